"""The layers of a recipe: files that extend one another, then overrides, merged into one tree of plain values.

Every value remembers the file and the line that state it, so that errors name them and relative paths start there.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lpo.errors import InputError
from lpo.recipe.algorithm import VARIANTS
from lpo.recipe.tree import TAGS, Place
from lpo.recipe.yaml_text import Document, YamlError, parse
from lpo.recipe.yaml_text import Path as TreePath

EXTENDS = "extends"
NO_PATH = (OSError, RuntimeError, ValueError)
"""What pathlib raises for a text that can be no path: too long, a NUL in it, the home of a user who does not exist."""


class RecipeError(InputError):
    """A recipe that cannot be used. The message names the file, the field, the value and the remedy."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = list(problems) or [message]


@dataclass(frozen=True)
class Origin:
    """Where a value is stated."""

    source: str
    base_dir: Path
    line: int | None = None

    def __str__(self) -> str:
        return self.source + (f", line {self.line}" if self.line else "")


@dataclass
class Tree:
    """Merged plain values and the origin of each place."""

    value: Any = None
    origins: dict[TreePath, Origin] = field(default_factory=dict)

    def origin(self, path: TreePath) -> Origin:
        """Who states the place, or the nearest place above it."""
        while path not in self.origins:
            path = path[:-1]
        return self.origins[path]


def shipped_recipes() -> dict[str, Path]:
    """The recipes that come with the package, by name."""
    folder = Path(__file__).resolve().parents[2] / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_recipe(name_or_path: str, base_dir: Path) -> Path:
    """The file of a recipe: a path relative to ``base_dir``, or the name of a shipped recipe."""
    try:
        path = base_dir / Path(name_or_path).expanduser()
        if path.is_file():
            return path.resolve()
    except NO_PATH as error:
        raise RecipeError(f"recipe '{name_or_path:.60}' is no path that can be ({error})") from None
    shipped = shipped_recipes()
    if name_or_path.removesuffix(".yaml") in shipped:
        return shipped[name_or_path.removesuffix(".yaml")]
    if path.is_dir():
        raise RecipeError(f"recipe '{name_or_path}' is a folder; name the YAML file in it")
    nearest = difflib.get_close_matches(Path(name_or_path).stem, shipped, n=1, cutoff=0.6)
    remedy = f"did you mean '{nearest[0]}'?" if nearest else f"shipped recipes: {', '.join(shipped) or 'none'}"
    raise RecipeError(f"recipe '{name_or_path}' is neither a file (looked at {path}) nor a shipped recipe; {remedy}")


def read_layers(path: Path, schema: Place) -> Tree:
    """The tree of a recipe file on top of everything it extends. Raises RecipeError."""
    return _read(path, schema, ())


def apply_overrides(tree: Tree, overrides: Sequence[str], schema: Place) -> None:
    """Merge ``key.sub=value`` items, last. A new ``kind`` goes first, so that the order of items does not matter."""
    parsed = []
    for text in overrides:
        keys, equals, value_text = text.partition("=")
        keys = keys.strip()
        parts = keys.replace("[", ".").replace("]", "").split(".")  # stages[1].steps, as errors show it
        if not equals or not all(parts):
            raise RecipeError(f"override '{text}' is not of the form key=value or key.sub=value")
        try:
            document = parse(value_text)
        except YamlError as error:
            raise RecipeError(f"override '{text}': the value is {error}") from None
        value: Any = document.value
        for part in reversed(parts):
            value = {part: value}
        parsed.append((parts[-1] not in TAGS, text, value))
    for _, text, value in sorted(parsed, key=lambda item: item[0]):
        _merge(tree, value, Document(value), Origin(f"override '{text}'", Path.cwd()), schema)


def _read(path: Path, schema: Place, chain: tuple[Path, ...]) -> Tree:
    if path in chain:
        names = " -> ".join(each.name for each in (*chain[chain.index(path) :], path))
        raise RecipeError(f"{_shown(path)}: extends goes in a circle: {names}; remove one of them")
    origin = Origin(_shown(path), path.parent)
    try:
        document = parse(path.read_text(encoding="utf-8"))
    except YamlError as error:
        raise RecipeError(f"{Origin(origin.source, path.parent, error.line)}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{origin}: cannot be read as UTF-8 text: {error}") from None
    if not isinstance(document.value, dict):
        found = "the file is empty" if document.value is None else f"this is {document.value!r}"
        raise RecipeError(f"{origin}: a recipe is a mapping of fields (name, model, data, stages); {found}")
    tree = Tree({}, {(): origin})
    for parent in _parents(document, origin):
        try:
            parent_path = find_recipe(parent, path.parent)
        except RecipeError as error:
            raise RecipeError(f"{origin}: {EXTENDS}: {error}") from None
        below = _read(parent_path, schema, (*chain, path))
        _merge_trees(tree, below, schema)
    document.value.pop(EXTENDS, None)
    _merge(tree, document.value, document, origin, schema)
    tree.origins[()] = origin
    return tree


def _parents(document: Document, origin: Origin) -> list[str]:
    stated = document.value.get(EXTENDS, [])
    parents = [stated] if isinstance(stated, str) else stated
    if not isinstance(parents, list) or not all(isinstance(each, str) and each for each in parents):
        raise RecipeError(
            f"{Origin(origin.source, origin.base_dir, document.lines.get((EXTENDS,)))}: {EXTENDS} is {stated!r}; "
            "it takes a file relative to this one or the name of a shipped recipe, or a list of them"
        )
    return parents


def _merge(tree: Tree, value: Any, document: Document, origin: Origin, schema: Place) -> None:
    origins = {path: Origin(origin.source, origin.base_dir, line) for path, line in document.lines.items()}
    origins.setdefault((), origin)
    _merge_trees(tree, Tree(value, origins), schema)


def _merge_trees(tree: Tree, above: Tree, schema: Place) -> None:
    tree.value = _merged(tree.value, above.value, schema, (), (), tree.origins, above)


def _merged(
    old: Any,
    new: Any,
    place: Place | None,
    path: TreePath,
    stated_at: TreePath,
    origins: dict[TreePath, Origin],
    above: Tree,
) -> Any:
    """``new``, which ``above`` states at ``stated_at``, over ``old``; ``origins`` learns who now states ``path``."""
    into_list = isinstance(old, list) and isinstance(new, dict) and place is not None and place.item is not None
    if place is not None and isinstance(old, str) and isinstance(new, dict):
        old = _spelled_out(old, place)
    kind_changes = (
        place is not None
        and isinstance(old, dict)
        and isinstance(new, dict)
        and place.tag in new
        and new[place.tag] != old.get(place.tag)
    )
    if kind_changes or not (into_list or (isinstance(old, dict) and isinstance(new, dict))):
        for each in [each for each in origins if each[: len(path)] == path]:
            del origins[each]
        for each in [each for each in above.origins if each[: len(stated_at)] == stated_at]:
            origins[(*path, *each[len(stated_at) :])] = above.origins[each]
        origins.setdefault(path, above.origin(stated_at))
        return new
    result: Any = list(old) if into_list else dict(old)
    for key, value in new.items():
        target = _index(old, key, (*path, key), above.origin((*stated_at, key))) if into_list else key
        exists = into_list or key in old
        below = place.child(target, {**old, **new} if isinstance(old, dict) else None) if place else None
        result[target] = _merged(
            old[target] if exists else None, value, below, (*path, target), (*stated_at, key), origins, above
        )
    return result


def _spelled_out(word: str, place: Place) -> Any:
    """``algorithm: lpo`` as the mapping that it is short for."""
    if word in place.sections:
        return {place.tag: word}
    return VARIANTS[word].model_dump() if word in VARIANTS and "lpo" in place.sections else word


def _index(items: list[Any], key: Any, path: TreePath, origin: Origin) -> int:
    """The item of a list that a mapping key means: its index, or the name of the item."""
    names = [_item_name(item) for item in items]
    if str(key).isdecimal() and len(str(key)) < 10 and int(key) < len(items):
        return int(key)
    if names.count(str(key)) == 1:
        return names.index(str(key))
    known = ", ".join([name for name in names if name] + [str(index) for index in range(len(items))])
    raise RecipeError(
        f"{origin}: {show_path(path[:-1])} has no item '{key}'; "
        f"address one by name or index: {known or 'the list is empty'}"
    )


def _item_name(item: Any) -> str | None:
    if isinstance(item, dict):
        return next((str(item[each]) for each in ("name", "reward", "kind") if item.get(each)), None)
    return None


def show_path(path: Sequence[str | int]) -> str:
    """``stages[1].optimizer.learning_rate``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the recipe"


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
