"""Finds the functions that a recipe names: by short name, by file, by module, or among installed plug-ins."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from lpo.errors import InputError
from lpo.recipe.base import unknown_name


class PluginError(InputError):
    """A name in the recipe does not lead to a usable function. The message names the cause and the remedy."""


def load_callable(
    spec: str, *, what: str, known: Mapping[str, str], base_dir: Path | None = None, entry_points: str | None = None
) -> Callable[..., Any]:
    """Returns the callable that ``spec`` names.

    ``spec`` is one of ``name`` (a key of ``known``, whose values are ``package.module:function``, or the name of an
    installed entry point of the group ``entry_points``), ``file.py:function`` (relative to ``base_dir``) or
    ``package.module:function``. ``what`` says in errors what is looked for, for example ``reward``.

    Raises PluginError where the name is unknown, the file is missing, the import fails (the cause is chained), the
    function is not there or is not callable.
    """
    target, colon, attribute = spec.rpartition(":")
    if not colon:
        found = _by_name(spec, what, known, entry_points)
    elif not target or not attribute:
        raise PluginError(f"{what} '{spec}' is incomplete; write file.py:function or package.module:function")
    else:
        module = _import_file(target, what, base_dir) if target.endswith(".py") else _import_module(target, what, spec)
        found = _attribute(module, attribute, what, spec)
    if not callable(found):
        raise PluginError(f"{what} '{spec}' is a {type(found).__name__}, not a function; name a callable")
    return found


def plugin_file(spec: str) -> Path | None:
    """The file of a plug-in that is named ``file.py:function``, as it is written; None for other names."""
    target, colon, _ = spec.rpartition(":")
    return Path(target).expanduser() if colon and target.endswith(".py") else None


def installed_plugins(group: str) -> dict[str, metadata.EntryPoint]:
    """The entry points that installed packages register under ``group``, by name."""
    return {entry.name: entry for entry in metadata.entry_points(group=group)}


def _by_name(name: str, what: str, known: Mapping[str, str], group: str | None) -> Any:
    if name in known:
        module, _, attribute = known[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    installed = installed_plugins(group) if group else {}
    if name.endswith(".py"):
        raise PluginError(f"{what} '{name}' names a file and no function; write {name}:function")
    if name not in installed:
        hint = "; functions of your own are named file.py:function or package.module:function"
        raise PluginError(unknown_name(name, [*known, *installed], what) + hint)
    try:
        return installed[name].load()
    except Exception as cause:
        raise PluginError(
            f"{what} '{name}' (entry point {installed[name].value}) does not import: {_said(cause)}"
        ) from cause


def _import_file(target: str, what: str, base_dir: Path | None) -> ModuleType:
    path = Path(target).expanduser()
    path = (path if path.is_absolute() else (base_dir or Path.cwd()) / path).resolve()
    if not path.is_file():
        raise PluginError(f"{what} file {path} does not exist; paths are relative to the recipe")
    # One module per file and content, so that a function named twice is one object and an edited file is read again.
    digest = hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:12]
    name = f"lpo_plugin_{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    module_spec = importlib.util.spec_from_file_location(name, path)
    if module_spec is None or module_spec.loader is None:
        raise PluginError(f"{what} file {path} is not a Python file")
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module
    try:
        module_spec.loader.exec_module(module)
    except BaseException as cause:
        del sys.modules[name]
        if not isinstance(cause, Exception | SystemExit):
            raise
        raise PluginError(f"{what} file {path} does not import: {_said(cause)}") from cause
    return module


def _import_module(target: str, what: str, spec: str) -> ModuleType:
    try:
        return importlib.import_module(target)
    except ModuleNotFoundError as cause:
        if cause.name and (target == cause.name or target.startswith(cause.name + ".")):
            raise PluginError(
                f"{what} '{spec}': there is no module '{cause.name}'; install its package, or name a file.py:function"
            ) from cause
        raise PluginError(f"{what} module '{target}' does not import: {_said(cause)}") from cause
    except Exception as cause:
        raise PluginError(f"{what} module '{target}' does not import: {_said(cause)}") from cause


def _attribute(module: ModuleType, attribute: str, what: str, spec: str) -> Any:
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            public = [name for name, value in vars(found).items() if callable(value) and not name.startswith("_")]
            raise PluginError(f"{what} '{spec}': {unknown_name(part, public, 'function')}")
        found = getattr(found, part)
    return found


def _said(cause: BaseException) -> str:
    return f"{type(cause).__name__}: {cause}"
