"""Every field of every section, wrong in type, range and name: generated from the schema, so that none is forgotten."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest
from annotated_types import Ge, Gt, Le, Lt, MinLen

from lpo.recipe import RecipeError, load_recipe
from lpo.recipe.base import Section
from lpo.recipe.schema import Recipe
from lpo.recipe.tree import Place, field_place
from lpo.recipe.yaml_text import dump

REQUIRED = {"name": "demo", "steps": 3, "learning_rate": 0.001, "path": "x", "id": "x/y", "package": "x", "file": "x"}


def example(section: type[Section], tag: str | None = None) -> dict[str, Any]:
    """The smallest valid mapping of a section."""
    values: dict[str, Any] = {}
    for name, field in section.model_fields.items():
        place = field_place(field)
        if get_origin(place.annotation) is Literal and len(get_args(place.annotation)) == 1:
            values[name] = tag if name in ("kind",) and tag else get_args(place.annotation)[0]
        elif field.is_required():
            values[name] = _required(name, place)
    return values


def _required(name: str, place: Place) -> Any:
    if place.item is not None:
        return [_required(name, place.item)]
    if place.sections:
        tag, section = next(iter(place.sections.items()))
        return example(section, tag)
    return REQUIRED.get(name, "x")


def places(
    section: type[Section], values: dict[str, Any], path: tuple[Any, ...], recipe: dict[str, Any]
) -> Iterator[Any]:
    """(recipe, path of a section in it, section), for the section and all that can stand below it."""
    yield recipe, path, section
    for name, field in section.model_fields.items():
        place, below = field_place(field), (name,)
        if place.item is not None:
            place, below = place.item, (name, 0)
        for tag, child in place.sections.items():
            changed = copy.deepcopy(recipe)
            value = example(child, tag)
            holder = at(changed, path)
            holder[name] = [value] if len(below) == 2 else value
            yield from places(child, value, (*path, *below), changed)


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def shown(path: tuple[Any, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def wrong_type(place: Place) -> Any:
    """A value of a type that the place does not take; None if it takes everything."""
    if place.annotation in (str, int, float, bool):
        return {str: 3, int: "three", float: "much", bool: "maybe"}[place.annotation]
    if place.item is not None or place.sections or get_origin(place.annotation) is Literal:
        return 3.5
    return None


def out_of_range(place: Place) -> Iterator[Any]:
    for limit in place.limits:
        if isinstance(limit, Gt):
            yield limit.gt
        elif isinstance(limit, Ge):
            yield limit.ge - 1
        elif isinstance(limit, Lt):
            yield limit.lt
        elif isinstance(limit, Le):
            yield limit.le + 1
        elif isinstance(limit, MinLen):
            yield "" if place.annotation is str else []
        elif getattr(limit, "pattern", None):
            yield "a name with blanks"
    if get_origin(place.annotation) is Literal and all(isinstance(each, str) for each in get_args(place.annotation)):
        yield "no_such_choice"
    if get_origin(place.annotation) is Literal and all(isinstance(each, int) for each in get_args(place.annotation)):
        yield 99


def mistakes() -> Iterator[Any]:
    base = example(Recipe)
    for recipe, path, section in places(Recipe, base, (), base):
        where = shown(path)
        for name, field in section.model_fields.items():
            place = field_place(field)
            named = shown((*path, name))
            values = [wrong_type(place), *out_of_range(place)]
            for value in values:
                if value is not None:
                    yield pytest.param(recipe, (*path, name), value, id=f"{section.__name__}:{named}={value!r}")
            misspelt = name[:-1] if len(name) > 4 else name + "e"
            yield pytest.param(recipe, (*path, misspelt), None, id=f"{section.__name__}:{where}:{misspelt}")


@pytest.mark.parametrize(("recipe", "path", "value"), mistakes())
def test_a_wrong_field_is_named(tmp_path, recipe, path, value):
    changed = copy.deepcopy(recipe)
    at(changed, path[:-1])[path[-1]] = value
    file = tmp_path / "wrong.yaml"
    file.write_text(dump(changed))
    with pytest.raises(RecipeError) as caught:
        load_recipe(file, check_files=False)
    message = str(caught.value)
    named = shown(path)
    # The wrong tag of an algorithm is reported at the algorithm, whose name it is.
    assert named in message or (path[-1] == "name" and shown(path[:-1]) in message)
    assert "wrong.yaml, line " in message
    assert "pydantic" not in message.lower()
    assert "http" not in message
    assert "Input should" not in message
    if value is None:
        assert "unknown field" in message
    elif isinstance(value, str) and value:
        assert value in message


def test_the_examples_themselves_are_valid(tmp_path):
    base = example(Recipe)
    base["stages"] = [
        example(section, tag) for tag, section in field_place(Recipe.model_fields["stages"]).item.sections.items()
    ]
    file = tmp_path / "right.yaml"
    file.write_text(dump(base))
    assert load_recipe(file, check_files=False).recipe.name == "demo"


def test_every_section_of_the_schema_is_visited():
    base = example(Recipe)
    visited = {section.__name__ for _, _, section in places(Recipe, base, (), base)}
    assert {
        "ScratchTokenizer",
        "JsonlSource",
        "RlStage",
        "DftStage",
        "LPO",
        "CISPO",
        "KL",
        "Mismatch",
        "Optimizer",
        "RewardSpec",
    } <= visited
