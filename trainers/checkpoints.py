"""Checkpoints that are whole or absent: written beside, checked, renamed.

checkpoints/rl-000010/state/...        weights, optimiser, random states, as DeepSpeed writes them
checkpoints/rl-000010/run_state.json   where the run stood
checkpoints/rl-000010/manifest.json    size and SHA-256 of every file
checkpoints/latest, best               symbolic links
checkpoints/dft-model/                 a stage's result, an ordinary Hugging Face folder
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpo.errors import InputError

if TYPE_CHECKING:
    from trainers.learner_group import LearnerGroup
    from trainers.run import RunState

BESIDE_WEIGHTS = (
    "tokenizer*", "special_tokens_map.json", "chat_template*", "vocab*", "merges.txt", "added_tokens.json",
    "generation_config.json", "*.py",
)  # fmt: skip


class CheckpointError(InputError):
    """A checkpoint is missing or damaged; the message names the file and what to do."""


class Checkpoints:
    """The checkpoints/ folder of a run; ``model_path`` is the model folder whose tokenizer, and code, exports carry."""

    def __init__(self, root: Path, keep: int, model_path: Path) -> None:
        self.root, self.keep, self.model_path = root, keep, model_path
        root.mkdir(parents=True, exist_ok=True)
        for aside in root.glob("*.replaced"):
            final = aside.with_name(aside.name.removesuffix(".replaced"))
            if final.exists():
                shutil.rmtree(aside)
            else:
                os.replace(aside, final)
        for leftover in root.glob("*.writing"):
            shutil.rmtree(leftover)

    def save(self, stage: str, state: RunState, learner: LearnerGroup) -> Path:
        """A checkpoint of this moment; older ones than ``keep`` are removed."""
        final = self.root / f"{stage}-{state.step:06d}"
        writing = self._fresh(final)
        learner.save(str(writing / "state"))
        (writing / "run_state.json").write_text(json.dumps(state.as_dict(), indent=1))
        self._commit(writing, final)
        self._link("latest", final)
        self._prune(final)
        return final

    def export(self, name: str, learner: LearnerGroup) -> Path:
        """The weights of this moment as a Hugging Face folder called ``name``, tokenizer and code included."""
        final = self.root / name
        writing = self._fresh(final)
        learner.export(str(writing))
        for pattern in BESIDE_WEIGHTS:
            for file in self.model_path.glob(pattern):
                shutil.copy(file, writing)
        self._commit(writing, final)
        return final

    def model_of(self, stage: str) -> Path:
        """Where the result of a finished stage is."""
        return stage_model(self.root, stage)

    def latest(self) -> Path | None:
        """The newest checkpoint, verified. None when the run was interrupted before its first.

        It is what ``latest`` points to; where that link was lost, as copies of the folder lose links, the newest of the
        numbered ones.

        Raises:
            CheckpointError: a file is missing or its checksum differs.
        """
        link = self.root / "latest"
        numbered = self._numbered()
        if link.is_symlink() or (link.exists() and not numbered):
            folder = link.resolve()
        elif numbered:
            folder = numbered[-1]
        else:
            return None
        verify(folder)
        return folder

    def _fresh(self, final: Path) -> Path:
        writing = final.with_name(final.name + ".writing")
        shutil.rmtree(writing, ignore_errors=True)
        writing.mkdir(parents=True)
        return writing

    def _commit(self, writing: Path, final: Path) -> None:
        files = {
            str(path.relative_to(writing)): {"bytes": path.stat().st_size, "sha256": _sha256(path)}
            for path in sorted(writing.rglob("*"))
            if path.is_file()
        }
        (writing / "manifest.json").write_text(json.dumps(files, indent=1))
        for path in writing.rglob("*"):
            if path.is_file():
                _sync(path)
        aside = final.with_name(final.name + ".replaced")
        if final.exists():
            os.replace(final, aside)
        os.replace(writing, final)
        shutil.rmtree(aside, ignore_errors=True)
        _sync(self.root)

    def _link(self, name: str, target: Path) -> None:
        beside, link = self.root / f".{name}", self.root / name
        beside.unlink(missing_ok=True)
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)  # a copy of the run's folder has the checkpoint itself there
        beside.symlink_to(target.name)
        os.replace(beside, link)

    def _prune(self, newest: Path) -> None:
        for path in self._numbered()[: -self.keep]:
            if path != newest:
                shutil.rmtree(path)

    def _numbered(self) -> list[Path]:
        """The checkpoints, the newest last."""
        there = [path for path in self.root.iterdir() if re.fullmatch(r".+-\d{6,}", path.name)]
        return sorted((path for path in there if path.is_dir()), key=_written)


def stage_model(checkpoints: Path, stage: str) -> Path:
    """Where the checkpoints/ folder of a run has the result of a stage; it is there when the stage has finished."""
    return checkpoints / f"{stage}-model"


def model_in_run(run_dir: Path, which: str) -> Path:
    """The folder of ``best``, of the model of a stage, or of that of the last finished stage (``final``) of a run.

    Raises:
        CheckpointError: there is no such model, or it is damaged.
    """
    root = run_dir / "checkpoints"
    models = sorted(root.glob("*-model"), key=lambda path: path.stat().st_mtime)
    names = {"best": root / "best"} | {path.name.removesuffix("-model"): path for path in models}
    if models:
        names["final"] = models[-1]
    source = names.get(which)
    if source is None or not source.is_dir():
        there = ", ".join(name for name, path in names.items() if path.is_dir()) or "none yet"
        raise CheckpointError(f"{run_dir} has no model '{which}'; there are: {there}")
    verify(source)
    return source.resolve()


def export_model(run_dir: Path, which: str, target: Path) -> Path:
    """Copies a model of a run (see ``model_in_run``) to ``target``.

    Raises:
        CheckpointError: there is no such model, it is damaged, or ``target`` exists.
    """
    source = model_in_run(run_dir, which)
    if target.exists():
        raise CheckpointError(f"{target} exists; name a folder that does not")
    there = next(each for each in target.absolute().parents if each.exists())
    if not there.is_dir():
        raise CheckpointError(f"{target}: {there} is a file; name a folder that can be made")
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("manifest.json"))
    return target


def run_state(folder: Path) -> dict[str, Any]:
    """What ``run_state.json`` of a checkpoint says."""
    return json.loads((folder / "run_state.json").read_text())


def verify(folder: Path) -> None:
    """Compares every file of a checkpoint with its manifest.

    Raises:
        CheckpointError: the manifest or a file is missing, or a checksum differs.
    """
    manifest = folder / "manifest.json"
    if not manifest.exists():
        raise CheckpointError(
            f"{folder} has no manifest.json: it is no complete checkpoint; point `latest` at another one"
        )
    try:
        files = {name: (facts["bytes"], facts["sha256"]) for name, facts in json.loads(manifest.read_text()).items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise CheckpointError(f"{manifest} is damaged; point checkpoints/latest at an older checkpoint") from None
    for name, (size, sha256) in files.items():
        path = folder / name
        if not path.exists():
            raise CheckpointError(f"{path} is missing; point checkpoints/latest at an older checkpoint")
        if path.stat().st_size != size or _sha256(path) != sha256:
            raise CheckpointError(
                f"{path} is damaged (checksum differs); point checkpoints/latest at an older checkpoint"
            )


def _written(checkpoint: Path) -> int:
    manifest = checkpoint / "manifest.json"
    return manifest.stat().st_mtime_ns if manifest.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
