"""Checkpoints are whole or absent, and damage is noticed."""

import json
import shutil
from pathlib import Path

import pytest

from trainers.checkpoints import CheckpointError, Checkpoints, export_model, run_state, verify
from trainers.run import RunState


class Weights:
    """Writes files as a learner does."""

    def __init__(self, content: bytes = b"weights") -> None:
        self.content = content

    def save(self, folder: str) -> None:
        (Path(folder) / "shard").mkdir(parents=True)
        (Path(folder) / "shard" / "rank0.pt").write_bytes(self.content)

    def export(self, folder: str) -> None:
        (Path(folder) / "model.safetensors").write_bytes(self.content)


class FullDisk(Weights):
    def save(self, folder: str) -> None:
        super().save(folder)
        raise OSError("No space left on device")


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    source = tmp_path / "model"
    source.mkdir()
    (source / "tokenizer.json").write_text("{}")
    return Checkpoints(tmp_path / "checkpoints", keep=2, model_path=source)


def test_latest_is_the_newest_and_carries_the_state(checkpoints: Checkpoints):
    for step in (1, 2):
        checkpoints.save("rl", RunState(step=step, tokens=10 * step), Weights())
    latest = checkpoints.latest()
    assert latest is not None
    assert latest.name == "rl-000002"
    assert RunState(**run_state(latest)) == RunState(step=2, tokens=20)


def test_only_the_newest_are_kept(checkpoints: Checkpoints):
    for step in range(1, 5):
        checkpoints.save("rl", RunState(step=step), Weights())
    assert sorted(path.name for path in checkpoints.root.glob("rl-*")) == ["rl-000003", "rl-000004"]


def test_a_save_that_fails_leaves_the_one_before(checkpoints: Checkpoints):
    checkpoints.save("rl", RunState(step=1), Weights())
    with pytest.raises(OSError, match="No space"):
        checkpoints.save("rl", RunState(step=2), FullDisk())
    assert checkpoints.latest().name == "rl-000001"
    again = Checkpoints(checkpoints.root, 2, checkpoints.model_path)
    assert list(again.root.glob("*.writing")) == []


@pytest.mark.parametrize("copied", [False, True], ids=["link gone", "link copied as a folder"])
def test_where_the_link_was_lost_the_newest_checkpoint_counts(checkpoints: Checkpoints, copied: bool):
    for step in (1, 2):
        checkpoints.save("rl", RunState(step=step), Weights())
    link = checkpoints.root / "latest"
    link.unlink()
    if copied:
        shutil.copytree(checkpoints.root / "rl-000002", link)
    assert checkpoints.latest() == checkpoints.root / "rl-000002"
    checkpoints.save("rl", RunState(step=3), Weights())
    assert link.is_symlink()
    assert checkpoints.latest() == checkpoints.root / "rl-000003"


def test_a_manifest_that_cannot_be_read_is_named(checkpoints: Checkpoints):
    folder = checkpoints.save("rl", RunState(step=1), Weights())
    for content in ("[1]", '{"state": {"bytes": 3', '{"state": 3}'):
        (folder / "manifest.json").write_text(content)
        with pytest.raises(CheckpointError, match=r"manifest\.json is damaged"):
            verify(folder)


def test_no_checkpoint_yet(checkpoints: Checkpoints):
    assert checkpoints.latest() is None


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "no manifest"])
def test_damage_is_named(checkpoints: Checkpoints, damage: str):
    folder = checkpoints.save("rl", RunState(step=1), Weights(b"0123456789"))
    file = folder / "state" / "shard" / "rank0.pt"
    if damage == "flip":
        file.write_bytes(b"0123456780")
    elif damage == "cut":
        file.write_bytes(b"01234")
    elif damage == "remove":
        file.unlink()
    else:
        (folder / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match=r"rank0\.pt|manifest\.json"):
        checkpoints.latest()


def test_export_carries_the_tokenizer(checkpoints: Checkpoints):
    folder = checkpoints.export("best", Weights())
    verify(folder)
    files = set(json.loads((folder / "manifest.json").read_text()))
    assert files == {"model.safetensors", "tokenizer.json"}


def test_an_export_into_a_file_is_refused(checkpoints: Checkpoints, tmp_path: Path):
    checkpoints.export("rl-model", Weights())
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="file is a file; name a folder that can be made"):
        export_model(tmp_path, "final", tmp_path / "file" / "below")
    assert (export_model(tmp_path, "final", tmp_path / "new" / "model") / "model.safetensors").exists()
