"""The folder of a run: everything that it writes, under names that do not change.

recipe.yaml      as resolved                 rollouts/*.jsonl   sampled responses
metrics.jsonl    one object a line           checkpoints/       by stage and step
run.json         facts a resume needs        plots/*.png        curves, frontier
run.log          everything logged          evaluations/       right or wrong, and tokens, by prompt
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lpo.errors import InputError
from lpo.recipe import Recipe, dump_recipe
from lpo.recipe.layers import NO_PATH
from lpo.samples import Group, Response

_BROKEN = re.compile("[\ud800-\udfff]")
"""Bytes of half a character, which no file can hold."""


class RunFolderError(InputError):
    """A folder that cannot be a run's, or holds no run. The message says what to do."""


class RunFolder:
    """Paths and writers of one run. ``create`` makes a new one, ``open`` continues or inspects an old one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe_file = path / "recipe.yaml"
        self.metrics_file = path / "metrics.jsonl"
        self.log_file = path / "run.log"
        self.rollouts = path / "rollouts"
        self.checkpoints = path / "checkpoints"
        self.evaluations = path / "evaluations"
        self.plots = path / "plots"
        self._state_file = path / "run.json"
        self._state_lock = threading.Lock()

    @classmethod
    def create(cls, recipe: Recipe) -> RunFolder:
        """A new run's folder: ``recipe.run_dir``, or ``runs/<name>-<timestamp>-<short id>``, with the recipe in it.

        Raises:
            RunFolderError: as ``check_run_dir``.
        """
        stamp = time.strftime("%Y%m%d-%H%M%S")
        default = Path("runs") / f"{recipe.name}-{stamp}-{secrets.token_hex(2)}"
        check_run_dir(recipe)
        folder = cls((Path(recipe.run_dir).expanduser() if recipe.run_dir else default).absolute())
        for each in (folder.path, folder.rollouts, folder.checkpoints, folder.plots):
            each.mkdir(parents=True, exist_ok=True)
        write_atomically(folder.recipe_file, dump_recipe(recipe))
        return folder

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """The folder of a run that exists.

        Raises:
            RunFolderError: there is no run in it.
        """
        folder = cls(Path(path).expanduser().absolute())
        if not folder.recipe_file.is_file():
            known = sorted(each.parent.name for each in folder.path.parent.glob("*/recipe.yaml"))
            beside = f"; runs beside it: {', '.join(known[-3:])}" if known else ""
            raise RunFolderError(f"{folder.path} holds no run: it has no recipe.yaml{beside}")
        return folder

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else trains in the folder while the block runs.

        Raises:
            RunFolderError: another process does.
        """
        with (self.path / ".lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise RunFolderError(
                    f"{self.path}: process {lock.read().strip() or 'of another machine'} is training in it; wait "
                    "until it has ended, or end it"
                ) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()} of {os.uname().nodename}")
            lock.flush()
            yield

    def append_metrics(self, record: dict[str, Any]) -> None:
        """One line of metrics.jsonl, written before this returns. Infinite and NaN values become null."""
        line = json.dumps({name: _plain(value) for name, value in record.items()}, allow_nan=False)
        with self.metrics_file.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl; one that a killed process left half-written at the end is left out."""
        return list(read_metrics(self.metrics_file))

    def truncate_to(self, step: int, stage: str) -> None:
        """Forget metrics and rollouts later than step ``step`` (over all stages) of ``stage``, where a resume goes on.

        A stage that begins with an evaluation logs it at the last step of the stage before: that line goes too when the
        resume will write it again. Step 0 stands for a run without a checkpoint, which begins anew: nothing is kept.
        """

        def came_before(record: dict[str, Any]) -> bool:
            if not isinstance(record.get("step"), int) or "stage" not in record:
                raise RunFolderError(
                    f"{self.metrics_file} has a line without stage and step; remove that line to go on"
                )
            return record["step"] < step or (record["step"] == step > 0 and record["stage"] == stage)

        if self.metrics_file.exists():
            kept = [record for record in self.metrics() if came_before(record)]
            write_atomically(self.metrics_file, "".join(json.dumps(record) + "\n" for record in kept))
        for file in [*self.rollouts.glob("*.jsonl"), *self.evaluations.glob("*.jsonl")]:
            number = file.stem.rpartition("-")[2]
            if number.isdecimal() and int(number) > step:
                file.unlink()

    def save_rollouts(self, stage: str, step: int, groups: Sequence[Group], tokenizer: Any = None) -> Path | None:
        """``rollouts/<stage>-<step>.jsonl``, one response a line; None when there is nothing to save.

        With a ``tokenizer`` the lines say where in the text each token stands.
        """
        if not groups:
            return None
        file = self.rollouts / f"{stage}-{step:06d}.jsonl"
        lines = (json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in _rows(step, groups, tokenizer))
        write_atomically(file, "".join(lines))
        return file

    def save_evaluation(self, stage: str, step: int, verdicts: Sequence[dict[str, Any]]) -> Path:
        """``evaluations/<stage>-<step>.jsonl``, one prompt a line (JSON values)."""
        self.evaluations.mkdir(exist_ok=True)
        file = self.evaluations / f"{stage}-{step:06d}.jsonl"
        write_atomically(file, "".join(json.dumps(each) + "\n" for each in verdicts))
        return file

    def write_state(self, **facts: Any) -> None:
        """Add facts (JSON values) to run.json, which is whole or as it was before."""
        with self._state_lock:  # the tracker adds its run id from a thread of its own
            write_atomically(self._state_file, json.dumps(self.read_state() | facts, indent=1) + "\n")

    def read_state(self) -> dict[str, Any]:
        """The facts in run.json, empty before the first ones."""
        if not self._state_file.exists():
            return {}
        try:
            return dict(json.loads(self._state_file.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            raise RunFolderError(
                f"{self._state_file} is damaged; remove it, and the run goes on as a new one in MLflow"
            ) from None


def check_run_dir(recipe: Recipe) -> None:
    """Refuses a ``run_dir`` in which a new run cannot begin; makes nothing.

    Raises:
        RunFolderError: it is a file, holds a run (resume it) or other files (they would be mixed up with the run's), or
            cannot be written.
    """
    try:
        path = Path(recipe.run_dir or "runs").expanduser().absolute()
        there = next(each for each in (path, *path.parents) if each.exists())
    except NO_PATH as error:
        raise RunFolderError(f"run_dir {recipe.run_dir!r:.80} is no path that can be ({error})") from None
    if "\0" in str(path):
        raise RunFolderError(f"run_dir {recipe.run_dir!r:.80} holds a NUL; no path can")
    if not there.is_dir():
        raise RunFolderError(f"run_dir {path}: {there} is a file; name a folder that is new or empty")
    if not os.access(there, os.W_OK | os.X_OK):
        raise RunFolderError(f"run_dir {path}: {there} cannot be written; name a folder that can")
    if recipe.run_dir is None or there != path or not any(path.iterdir()):
        return
    if (path / "recipe.yaml").is_file():
        raise RunFolderError(
            f"run_dir {path} holds a run already; continue it with `lpo resume {path}`, or name another folder"
        )
    raise RunFolderError(f"run_dir {path} is not empty and holds no run; name a folder that is new or empty")


def read_metrics(file: Path) -> Iterator[dict[str, Any]]:
    """The records of a metrics.jsonl, without a half-written last line.

    Raises:
        RunFolderError: a line before the last is damaged.
    """
    if not file.exists():
        return
    lines = file.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines):
                return
            raise RunFolderError(f"{file}, line {number} is damaged ({error}); remove that line to go on") from None
        if not isinstance(record, dict):
            raise RunFolderError(f"{file}, line {number} is damaged (no object); remove that line to go on")
        yield record


def write_atomically(file: Path, text: str) -> None:
    """The file holds the whole of ``text`` or what it held before, whenever the process dies."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.writing")
    try:
        with beside.open("w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(beside, file)
    finally:
        beside.unlink(missing_ok=True)


def _rows(step: int, groups: Sequence[Group], tokenizer: Any) -> Iterable[dict[str, Any]]:
    for group in groups:
        for number, response in enumerate(group.responses):
            yield {
                "step": step,
                "prompt_id": group.prompt.id,
                "question": group.prompt.question,
                "number": number,
                "response": response.text,
                "reward": _plain(response.reward),
                "components": {name: _plain(value) for name, value in response.components.items()},
                "notes": response.notes,
                "advantage": _plain(response.advantage),
                "tokens": len(response.token_ids),
                "segment_ids": list(response.segment_ids),
                "token_ids": list(response.token_ids),
                "finish_reason": response.finish_reason,
                "weight_version": response.weight_version,
                **_places(response, tokenizer),
                **_outcome(response),
            }


def _places(response: Response, tokenizer: Any) -> dict[str, Any]:
    """Where tokens stand: ``offsets`` (T,), of the character that decides a token's sentence, in ``decoded``.

    ``decoded`` is written only where it is not the engine's text.
    """
    if tokenizer is None:
        return {}
    from lpo.segmentation.alignment import read_tokens

    text, anchors = read_tokens(response.token_ids, tokenizer)
    text = _BROKEN.sub("\ufffd", text)
    decoded = {} if text == response.text else {"decoded": text}
    return {"offsets": anchors.tolist(), **decoded}


def _outcome(response: Response) -> dict[str, Any]:
    if response.outcome is None:
        return {}
    ratios = [_plain(ratio) for ratio in response.outcome.ratios]
    return {"grain": response.outcome.grain, "ratios": ratios, "clips": response.outcome.clips}


def _plain(value: Any) -> Any:
    """A JSON value: numbers of NumPy and torch become Python's, infinite ones null."""
    if value is None or isinstance(value, str | bool | int):
        return value
    number = float(value)
    return number if number - number == 0 else None
