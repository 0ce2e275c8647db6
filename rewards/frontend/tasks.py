"""Front-end tasks: what to ask a model for, what the page must then do, and pages that show that the reward can tell.

A task is a folder with `task.yaml` and `reference.html`. The reference does all that the prompt asks for; each flaw is
a small change of it after which one component of the reward must fall. docs/frontend.md explains the fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from lpo.errors import InputError
from lpo.recipe.base import unknown_name
from lpo.recipe.yaml_text import YamlError, parse
from rewards.frontend.checks import CheckError, Checks, said
from rewards.frontend.steps import Part

SHIPPED = Path(__file__).resolve().parents[2] / "recipes" / "frontend_tasks"
"""The tasks that come with lpo."""

Kind = Literal[
    "forms", "lists", "tabs", "modals", "calculators", "timers", "charts", "games", "dashboards", "landing pages"
]


class TaskError(InputError):
    """A folder of tasks that cannot be used. The message names the file and the field."""


class Replacement(Part):
    """A text that occurs exactly once in the reference, and what stands there instead."""

    old: Annotated[str, Field(min_length=1)]
    new: str


class Flaw(Part):
    """A way to be worse than the reference."""

    component: Literal["syntax", "function", "aesthetics"]
    """The part of the reward that must see it."""
    why: Annotated[str, Field(min_length=1)]
    replace: Annotated[tuple[Replacement, ...], Field(min_length=1)]


class Task(Part):
    """One task, read from its folder."""

    name: str
    kind: Kind
    prompt: Annotated[str, Field(min_length=1)]
    checks: tuple[Mapping[str, Any], ...] | Mapping[str, Any]
    """As `Checks.load` takes them."""
    flaws: tuple[Flaw, ...] = ()
    reference: str
    """The page that does what the prompt asks for."""

    @model_validator(mode="after")
    def _fits_together(self) -> Task:
        for number, flaw in enumerate(self.flaws, start=1):
            for each in flaw.replace:
                if (times := self.reference.count(each.old)) != 1:
                    raise ValueError(f"flaw {number}: {each.old!r} occurs {times} times in reference.html, not once")
        return self

    def flawed(self, flaw: Flaw) -> str:
        """The reference with a flaw."""
        page = self.reference
        for each in flaw.replace:
            page = page.replace(each.old, each.new)
        return page

    def checks_text(self) -> str:
        """The checks as JSON: what the column ``checks`` of a data set holds."""
        return json.dumps(self.checks, ensure_ascii=False)

    def loaded_checks(self) -> Checks:
        """Raises CheckError."""
        return Checks.load(self.checks_text())


def read_task(folder: Path) -> Task:
    """Raises TaskError where a file is missing, a field is wrong, or the checks cannot be carried out."""
    path = folder / "task.yaml"
    try:
        stated = parse(path.read_text(encoding="utf-8")).value
        reference = (folder / "reference.html").read_text(encoding="utf-8")
    except YamlError as cause:
        raise TaskError(f"{path} line {cause.line or 1}: {cause}") from cause
    except (OSError, UnicodeDecodeError) as cause:
        raise TaskError(f"the task in {folder} cannot be read: {cause}") from cause
    if not isinstance(stated, Mapping):
        raise TaskError(f"{path} must be a mapping with kind, prompt, checks and flaws")
    try:
        task = Task.model_validate({**stated, "name": folder.name, "reference": reference})
        task.loaded_checks()
    except ValidationError as cause:
        raise TaskError(f"{path}: {said(cause)}") from cause
    except CheckError as cause:
        raise TaskError(f"{path}: {cause}") from cause
    return task


def shipped_task(name: str) -> Task:
    """Raises TaskError where there is no such task."""
    names = [path.parent.name for path in SHIPPED.glob("*/task.yaml")]
    if name not in names:
        raise TaskError(unknown_name(name, names, "front-end task"))
    return read_task(SHIPPED / name)


def read_tasks(folder: Path = SHIPPED) -> list[Task]:
    """All tasks in a folder, by name. Raises TaskError, also where there is none."""
    folders = sorted(path.parent for path in folder.glob("*/task.yaml"))
    if not folders:
        raise TaskError(f"{folder} holds no tasks; each is a folder with task.yaml and reference.html")
    return [read_task(each) for each in folders]
