"""The names that checks may use, as `names.yaml` lists them."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable

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


def unknown(name: str, known: Iterable[str], what: str) -> str:
    """The sentence for a name that is not among ``known``, with the nearest one if there is one."""
    names = {each.lower(): each for each in known}
    nearest = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return f"unknown {what} '{name}'" + (f"; did you mean '{names[nearest[0]]}'?" if nearest else "")
