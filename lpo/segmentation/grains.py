"""The grains a response can be cut at, by name.

A grain is a function from a text to the offsets where its segments after the first one start. `token`, `fixed` and
`response` need no text and are counted in tokens.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

from lpo.segmentation.boundaries import clause_boundaries, line_boundaries, sentence_boundaries

Boundaries = Callable[[str], Sequence[int]]

TEXT_GRAINS: dict[str, Boundaries] = {
    "sentence": sentence_boundaries,
    "clause": clause_boundaries,
    "line": line_boundaries,
}
TOKEN_GRAINS = ("token", "fixed", "response")
DEFAULT_MAX_TOKENS = {"sentence": 256, "clause": 64, "line": 256, "fixed": 64}

_loaded: dict[str, Boundaries] = {}


def register_grain(name: str, boundaries: Boundaries) -> None:
    """Make `boundaries(text) -> offsets` available as the grain `name`.

    Raises:
        ValueError: the name is one of the grains that exist already.
    """
    if name in TOKEN_GRAINS or TEXT_GRAINS.get(name, boundaries) is not boundaries:
        raise ValueError(f"grain {name!r} exists already: choose another name")
    TEXT_GRAINS[name] = boundaries


def text_grain(grain: str | Boundaries) -> Boundaries:
    """The function of a grain: itself, a registered name, `file.py:function` or `package.module:function`.

    Raises:
        ValueError: no such grain, file or function.
    """
    if callable(grain):
        return grain
    if grain in TEXT_GRAINS:
        return TEXT_GRAINS[grain]
    if ":" not in grain:
        names = ", ".join(sorted([*TEXT_GRAINS, *TOKEN_GRAINS]))
        raise ValueError(f"grain {grain!r} is unknown: use one of {names}, or file.py:function")
    if grain not in _loaded:
        _loaded[grain] = _load(grain)
    return _loaded[grain]


def _load(grain: str) -> Boundaries:
    source, _, name = grain.rpartition(":")
    if source.endswith(".py"):
        path = Path(source)
        if not path.is_file():
            raise ValueError(f"grain {grain!r}: there is no file {path.resolve()}")
        spec = importlib.util.spec_from_file_location(f"lpo_grain_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        try:
            module = importlib.import_module(source)
        except ModuleNotFoundError as error:
            raise ValueError(f"grain {grain!r}: the module {source!r} cannot be imported ({error})") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise ValueError(f"grain {grain!r}: {source} has no function {name!r}")
    return function  # type: ignore[no-any-return]
