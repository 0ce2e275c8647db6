"""All recipe fields, described from the schema. ``python -m lpo.recipe.describe`` renews docs/recipes.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic.fields import FieldInfo

from lpo.recipe import yaml_text
from lpo.recipe.base import Section
from lpo.recipe.schema import Recipe
from lpo.recipe.tree import field_place, sections_below

BEGIN, END = "<!-- fields: begin -->", "<!-- fields: end -->"


@dataclass(frozen=True)
class FieldDescription:
    """One field: where it stands, what it takes, its default as YAML (None: it must be given) and what it means."""

    section: str
    name: str
    takes: str
    default: str | None
    doc: str


@dataclass(frozen=True)
class SectionDescription:
    """One section: where it can stand, the words that choose it there, and its own fields."""

    title: str
    paths: list[str]
    tag: str | None
    doc: str
    fields: list[FieldDescription]


def describe_fields() -> list[SectionDescription]:
    """Every section of the schema once, in the order of the schema, with every field."""
    found: dict[type[Section], SectionDescription] = {}
    for path, tag, section in sections_below(Recipe):
        if section in found:
            found[section].paths.append(path)
        else:
            rows = [_describe(section.__name__, name, field) for name, field in section.model_fields.items()]
            doc = _one_line(section.__doc__) if section.__doc__ != Section.__doc__ else ""
            found[section] = SectionDescription(section.__name__, [path], tag, doc, rows)
    return list(found.values())


def reference() -> str:
    """The Markdown between the two markers of docs/recipes.md."""
    parts = []
    for section in describe_fields():
        where = ", ".join(f"`{path}`" for path in section.paths if path) or "the recipe itself"
        choice = f", chosen by `{section.tag}`" if section.tag else ""
        rows = [
            f"| `{row.name}` | {_cell(row.takes)} | {_default_cell(row.default)} | {_cell(row.doc)} |"
            for row in section.fields
        ]
        head = ["| field | takes | default | |", "|---|---|---|---|"]
        doc = [section.doc, ""] if section.doc else []
        parts.append("\n".join([f"### {section.title}", "", f"At {where}{choice}.", "", *doc, *head, *rows]))
    return "\n\n".join(parts)


def renewed(page: str) -> str:
    """The page with the reference between its markers made anew."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{reference()}\n\n{END}{rest.split(END)[1]}"


def _describe(section: str, name: str, field: FieldInfo) -> FieldDescription:
    default = None
    if not field.is_required():
        value = field.get_default(call_default_factory=True)
        default = "its defaults" if isinstance(value, Section) else _inline(value)
    return FieldDescription(section, name, field_place(field).expected(), default, _one_line(field.description))


def _inline(value: object) -> str:
    if isinstance(value, str):
        return repr(value).replace("'", '"')
    return yaml_text.dump(value).removesuffix("...\n").strip() if not isinstance(value, list | dict) else str(value)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").replace("``", "`").split())


def _default_cell(default: str | None) -> str:
    return "**required**" if default is None else f"`{_cell(default)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    docs = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"
    docs.write_text(renewed(docs.read_text(encoding="utf-8")), encoding="utf-8")
