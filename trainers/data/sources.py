"""Reads rows from the kinds of source: reasoning-gym, JSONL, Hugging Face data sets, front-end tasks and functions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lpo.plugins import PluginError, load_callable
from lpo.recipe.base import unknown_name
from lpo.recipe.data import (
    FrontendTasksSource,
    FunctionSource,
    HuggingFaceSource,
    JsonlSource,
    ReasoningGymSource,
    Source,
)
from trainers.data.rows import DataError, Row, row_from_record

GENERATORS = {"small_pages": "trainers.data.small_pages:small_pages"}
"""Functions that make rows, which a recipe can name without a path."""


def load_rows(source: Source, base_dir: Path) -> list[Row]:
    """All rows of a source, in its own order, duplicates included. Relative paths start at ``base_dir``.

    Raises DataError where the source does not exist, is empty or holds a row that cannot be used.
    """
    if isinstance(source, ReasoningGymSource):
        from trainers.data.procedural import reasoning_gym_rows

        return reasoning_gym_rows(source)
    if isinstance(source, FrontendTasksSource):
        return _task_rows(source, base_dir)
    if isinstance(source, FunctionSource):
        return _made_rows(source, base_dir)
    rows = _jsonl_rows(source, base_dir) if isinstance(source, JsonlSource) else _table_rows(source, base_dir)
    if not rows:
        raise DataError(f"data.source.path {source.path} holds no rows")
    return rows


def _jsonl_rows(source: JsonlSource, base_dir: Path) -> list[Row]:
    path = base_dir / Path(source.path).expanduser()
    if not path.is_file():
        raise DataError(
            f"data.source.path {path} does not exist; give a JSONL file, absolute or relative to the recipe"
        )
    rows = []
    with path.open(encoding="utf-8") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    where = f"{path} line {number}"
                    rows.append(
                        row_from_record(_json_object(line, where), source.prompt_field, source.response_field, where)
                    )
        except UnicodeDecodeError as cause:
            raise DataError(f"{path} is not UTF-8 text: {cause}") from cause
    return rows


def _task_rows(source: FrontendTasksSource, base_dir: Path) -> list[Row]:
    from rewards.frontend.tasks import SHIPPED, TaskError, read_tasks

    folder = SHIPPED if source.path is None else base_dir / Path(source.path).expanduser()
    try:
        tasks = read_tasks(folder)
    except TaskError as cause:
        raise DataError(f"data.source: {cause}") from cause
    return [
        Row(
            task.prompt.strip(),
            columns={"task": task.name, "kind": task.kind, "checks": task.checks_text()},
            response=f"```html\n{task.reference.strip()}\n```",
        )
        for task in tasks
    ]


def _made_rows(source: FunctionSource, base_dir: Path) -> list[Row]:
    try:
        make = load_callable(source.function, what="generator", known=GENERATORS, base_dir=base_dir)
    except PluginError as cause:
        raise DataError(f"data.source.function: {cause}") from cause
    where = f"data.source.function '{source.function}'"
    try:
        records = list(make(size=source.size, seed=source.seed, **source.params))
    except (Exception, SystemExit) as cause:
        # The user's own code: whatever it raises means that there is no data.
        raise DataError(f"{where} fails ({type(cause).__name__}: {cause}); check it and data.source.params") from cause
    if not records:
        raise DataError(f"{where} made no rows")
    for odd in records:
        if not isinstance(odd, Mapping):
            raise DataError(
                f"{where} made a {type(odd).__name__}, {odd!r:.60}; every row is a mapping with named fields"
            )
    return [
        row_from_record(record, source.prompt_field, source.response_field, f"{where} row {number}")
        for number, record in enumerate(records)
    ]


def _json_object(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as cause:  # a number of thousands of digits, brackets in brackets without end
        raise DataError(f"{where} is not JSON that can be read: {cause}") from cause
    if not isinstance(record, dict):
        raise DataError(f"{where} is a JSON {type(record).__name__}; every line is an object with named fields")
    return record


def _table_rows(source: HuggingFaceSource, base_dir: Path) -> list[Row]:
    table = _open_table(source, base_dir)
    return [
        row_from_record(record, source.prompt_field, source.response_field, f"{source.path} row {number}")
        for number, record in enumerate(table)
    ]


# What datasets calls the reader of a file, by the file's suffix.
_READERS = {".parquet": "parquet", ".json": "json", ".jsonl": "json", ".csv": "csv", ".arrow": "arrow"}


def _open_table(source: HuggingFaceSource, base_dir: Path) -> Any:
    import datasets

    path = base_dir / Path(source.path).expanduser()
    is_local = path.exists()
    if not is_local and (source.path.startswith((".", "/", "~")) or Path(source.path).suffix in _READERS):
        raise DataError(
            f"data.source.path {path} does not exist; give a folder, a file or a hub id such as openai/gsm8k"
        )
    saved = path.is_file() or (path / "state.json").is_file() or (path / "dataset_dict.json").is_file()
    if saved and source.subset is not None:
        raise DataError(f"data.source.subset {source.subset}: {path} is one data set and has no subsets; leave it out")
    try:
        if (path / "state.json").is_file() or (path / "dataset_dict.json").is_file():
            opened = datasets.load_from_disk(str(path))
        elif path.is_file():
            reader = _READERS.get(path.suffix)
            if reader is None:
                raise DataError(
                    f"data.source.path {path} has suffix '{path.suffix}'; known: {', '.join(sorted(_READERS))}"
                )
            opened = datasets.load_dataset(reader, data_files=str(path))
        else:
            name = str(path) if is_local else source.path
            opened = datasets.load_dataset(name, source.subset, revision=source.revision if not is_local else None)
    except DataError:
        raise
    except Exception as cause:
        # datasets raises a dozen types here; all of them mean that the recipe names something that cannot be read.
        remedy = (
            "check the folder's files and data.source.subset"
            if is_local
            else "check the id and the network, or save the data set to a folder with save_to_disk and name the folder"
        )
        raise DataError(
            f"data.source.path {source.path} cannot be read ({type(cause).__name__}: {cause}); {remedy}"
        ) from cause
    if not isinstance(opened, dict):
        if source.split != "train":
            raise DataError(f"data.source.split {source.split}: {path} is one split already; leave it out")
        return opened
    if source.split not in opened:
        raise DataError(f"data.source.split: {unknown_name(source.split, opened, 'split')}")
    return opened[source.split]
