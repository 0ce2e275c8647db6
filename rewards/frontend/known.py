"""The names that checks may use, as `names.yaml` lists them."""

from __future__ import annotations

import functools

import yaml

from rewards.frontend.scripts import script


def _names(kind: str) -> frozenset[str]:
    return frozenset(_lists()[kind].split())


@functools.cache
def _lists() -> dict[str, str]:
    lists: dict[str, str] = yaml.safe_load(script("names.yaml"))
    return lists


ROLES = _names("roles")
ARIA_ATTRIBUTES = frozenset(f"aria-{name}" for name in _names("aria_attributes"))
PSEUDO_CLASSES = _names("pseudo_classes")
CSS_PROPERTIES = _names("css_properties")
