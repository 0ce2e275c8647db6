"""From a recipe's name and overrides to a validated recipe, or to one error that says everything that is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core.core_schema import ErrorType

from lpo.recipe import yaml_text
from lpo.recipe.base import Section, unknown_name
from lpo.recipe.layers import NO_PATH, Origin, RecipeError, Tree, apply_overrides, find_recipe, read_layers, show_path
from lpo.recipe.schema import Recipe
from lpo.recipe.tree import Place, field_place

MAX_PROBLEMS = 10
_SCHEMA = Place(Recipe)
_DATA_FILES = (".yaml", ".yml", ".json")
_STANDARD_ERRORS = frozenset(get_args(ErrorType))


@dataclass(frozen=True)
class LoadedRecipe:
    """A validated recipe, in which every file is an absolute path."""

    recipe: Recipe
    base_dir: Path
    """Folder of the recipe's own file."""
    resolved: dict[str, Any]
    """The recipe as plain values, defaults filled in."""


def load_recipe(name_or_path: str | Path, overrides: Sequence[str] = (), *, check_files: bool = True) -> LoadedRecipe:
    """Read, merge and validate a recipe.

    ``name_or_path`` is a file or the name of a shipped recipe. ``overrides`` are ``key.sub=value`` items, values in
    YAML; an item of a list is addressed by name or index: ``stages.rl.steps=5``, ``stages.1.steps=5``.
    Files named in the recipe are relative to the file that states them, those in overrides to the working directory.
    ``check_files=False`` accepts a recipe whose files are gone, for looking at an old run.

    Raises RecipeError, whose message names files, lines, fields, values and remedies, up to ten at once.
    """
    path = find_recipe(str(name_or_path), Path.cwd())
    tree = read_layers(path, _SCHEMA)
    apply_overrides(tree, overrides, _SCHEMA)
    problems = _resolve_files(tree, check_files)
    recipe, mistakes = _validate(tree)
    problems = mistakes + problems
    if recipe is None or problems:
        raise _refusal(problems, str(tree.origin(())))
    return LoadedRecipe(recipe, path.parent, recipe.model_dump())


def dump_recipe(recipe: Recipe) -> str:
    """YAML of the recipe with all defaults, which loads back to the same recipe."""
    return yaml_text.dump(recipe.model_dump())


def relocate_files(resolved: dict[str, Any], move: Callable[[Path], str]) -> dict[str, Any]:
    """A resolved recipe (``LoadedRecipe.resolved``) whose files are elsewhere: ``move`` gets each and says where.

    Fields that name no file (hub ids, names of rewards, ``package.module:function``) stay as they are; of
    ``file.py:function`` the file moves.
    """

    def relocate(value: str, form: str, path: yaml_text.Path) -> str:
        name, file = _absolute(value, form, Path("/"))
        # Files of a resolved recipe are absolute: what is not is an id, whatever lies beside it.
        return value if file is None or not value.startswith("/") else move(file) + name.removeprefix(str(file))

    return _with_files(resolved, relocate)


def _refusal(problems: Sequence[str], source: str) -> RecipeError:
    if len(problems) == 1:
        return RecipeError(problems[0], problems)
    shown = [f"  - {problem}" for problem in problems[:MAX_PROBLEMS]]
    if len(problems) > MAX_PROBLEMS:
        shown.append(f"  and {len(problems) - MAX_PROBLEMS} more")
    return RecipeError(f"{source}: {len(problems)} fields cannot be used:\n" + "\n".join(shown), problems)


def _validate(tree: Tree) -> tuple[Recipe | None, list[str]]:
    try:
        return Recipe.model_validate(tree.value), []
    except ValidationError as error:
        # One wrong value can be reported for its type and for its range; one sentence is enough.
        found = {show_path(place.path): place for place in map(_locate(tree), error.errors(include_url=False))}
        return None, [f"{tree.origin(each.path)}: {each.sentence}" for each in found.values()]


@dataclass(frozen=True)
class _Problem:
    path: yaml_text.Path
    sentence: str


def _locate(tree: Tree) -> Any:
    def problem(error: Any) -> _Problem:
        path, place, section = _walk(tree.value, error["loc"])
        name, kind, value = show_path(path), error["type"], error["input"]
        if kind in ("value_error", "assertion_error") or kind not in _STANDARD_ERRORS:
            reason = error.get("ctx", {}).get("error") or error["msg"]
            return _Problem(path, f"{name}: {reason}" if path else str(reason))
        if kind in ("extra_forbidden", "invalid_key") and section is not None:
            known = list(section.model_fields)
            return _Problem(path, f"{name}: {unknown_name(path[-1], known)}")
        if kind in ("union_tag_invalid", "union_tag_not_found"):
            assert place is not None
            assert place.tag is not None
            tag = value.get(place.tag)
            stated = f"is {_shown(tag)}" if place.tag in value else "is missing"
            return _Problem((*path, place.tag), f"{name}.{place.tag} {stated}; {_choices(tag, place)}")
        expected = place.expected() if place else "another value"
        if kind == "missing":
            return _Problem(path, f"{name} is missing; it takes {expected}")
        nearest = (
            difflib.get_close_matches(value, expected.removeprefix("one of ").split(", "), 1) if _is_word(value) else []
        )
        remedy = f"; did you mean '{nearest[0]}'?" if nearest and kind == "literal_error" else ""
        if kind == "string_type" and isinstance(value, int | float):
            remedy = f"; put it in quotes: '{_shown(value)}'"
        return _Problem(path, f"{name} is {_shown(value)}; it takes {expected}{remedy}")

    return problem


def _walk(value: Any, loc: Sequence[Any]) -> tuple[yaml_text.Path, Place | None, type[Section] | None]:
    """The path in the recipe, the place and the section around it, for a location that also holds union tags."""
    path: list[str | int] = []
    place: Place | None = _SCHEMA
    around: type[Section] | None = None
    section: type[Section] | None = Recipe
    steps = list(loc)
    while steps:
        step = steps.pop(0)
        if place is not None and place.is_union:
            place = Place(place.sections[step], place.limits, place.nullable)
            section = place.annotation
            continue
        if step == "[key]":
            break
        path.append(step)
        around = section
        if section is not None:
            place = field_place(section.model_fields[step]) if step in section.model_fields else None
        else:
            place = place.item if place else None
        section = place.sections.get(None) if place else None
    return tuple(path), place, around


def _choices(value: Any, place: Place | None) -> str:
    tags = [str(tag) for tag in place.sections] if place else []
    nearest = difflib.get_close_matches(value, tags, n=1) if isinstance(value, str) else []
    return f"it takes one of {', '.join(tags)}" + (f"; did you mean '{nearest[0]}'?" if nearest else "")


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _shown(value: Any) -> str:
    text = yaml_text.dump(value).removesuffix("...\n").strip() if not isinstance(value, dict | list) else repr(value)
    if isinstance(value, str):
        text = f"'{value}'"
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


def _resolve_files(tree: Tree, check: bool) -> list[str]:
    """Make the files that a recipe names absolute, in place; returns the problems of those that are missing."""
    problems: list[str] = []

    def resolve(value: str, form: str, path: yaml_text.Path) -> str:
        origin = tree.origin(path)
        try:
            name, absolute = _absolute(value, form, origin.base_dir)
            missing = absolute is not None and check and not absolute.exists()
        except NO_PATH as error:
            problems.append(f"{origin}: {show_path(path)} is no path that can be ({error})")
            return value
        if missing:
            problems.append(
                f"{origin}: {show_path(path)} names {absolute}, which does not exist; {_relative_to(origin)}"
            )
        return name

    tree.value = _with_files(tree.value, resolve)
    return problems


def _with_files(recipe: Any, rewrite: Callable[[str, str, yaml_text.Path], str]) -> Any:
    """The raw recipe with every value that may name a file put through ``rewrite(value, form, path)``."""

    def visit(value: Any, place: Place | None, path: yaml_text.Path) -> Any:
        if place is None:
            return value
        if place.file is not None and place.file.form == "below":
            return below(value, path)
        if isinstance(value, dict):
            return {key: visit(each, place.child(key, value), (*path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [visit(each, place.item, (*path, index)) for index, each in enumerate(value)]
        if place.file is None or not isinstance(value, str) or not value:
            return value
        return rewrite(value, place.file.form, path)

    def below(value: Any, path: yaml_text.Path) -> Any:
        if isinstance(value, dict):
            return {key: below(each, (*path, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [below(each, (*path, index)) for index, each in enumerate(value)]
        return rewrite(value, "below", path) if isinstance(value, str) and value else value

    return visit(recipe, _SCHEMA, ())


def _absolute(value: str, form: str, base_dir: Path) -> tuple[str, Path | None]:
    """The value with its file made absolute, and that file; None where the value names no file."""
    if form == "below":
        function_in_file = value.rpartition(":")[0].endswith(".py")
        if not (function_in_file or value.endswith(_DATA_FILES)) or "\n" in value:
            return value, None
        try:
            name, absolute = _absolute(value, "plugin" if function_in_file else "path", base_dir)
            return (name, absolute) if absolute is not None and absolute.is_file() else (value, None)
        except NO_PATH:
            return value, None  # a text that ends like a file's name
    file, colon, function = value.rpartition(":") if form == "plugin" else (value, "", "")
    if form == "plugin" and not file.endswith(".py"):
        return value, None
    absolute = Path(base_dir, Path(file).expanduser()).resolve()
    if form == "path_or_id" and not absolute.exists() and not value.startswith((".", "/", "~")):
        return value, None
    return f"{absolute}{colon}{function}", absolute


def _relative_to(origin: Origin) -> str:
    return f"relative paths start at {origin.base_dir}"
