"""The JavaScript that is shipped beside this code, by file name."""

from __future__ import annotations

import functools
from importlib import resources


@functools.cache
def script(name: str) -> str:
    """The source of ``name``."""
    return (resources.files("rewards.frontend") / name).read_text(encoding="utf-8")
