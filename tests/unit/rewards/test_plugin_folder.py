"""What of a folder is sent to other machines, and where it is there."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from lpo.errors import InputError
from rewards.isolation.plugin_folder import PluginFolder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "recipes"
    for name in ("judge.py", "rubrics/short.yaml", ".git/config.yaml", "runs/one/metrics.jsonl", "weights.safetensors"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(f"# {name}\n")
    (made / "large.json").write_bytes(b" " * ((1 << 20) + 1))
    return made


def test_small_files_that_a_reward_may_read_are_taken(folder: Path):
    taken = PluginFolder.read(folder)
    assert taken.files == {"judge.py": b"# judge.py\n", "rubrics/short.yaml": b"# rubrics/short.yaml\n"}


def test_a_machine_that_has_the_same_files_uses_its_own(folder: Path):
    taken = PluginFolder.read(folder)
    with TemporaryDirectory() as scratch:
        assert taken.here(scratch) == str(folder)
        (folder / "judge.py").write_text("# another machine's\n")
        copy = Path(taken.here(scratch))
        assert copy.is_relative_to(scratch)
        assert (copy / "judge.py").read_text() == "# judge.py\n"
        assert (copy / "rubrics" / "short.yaml").exists()


def test_too_much_to_send_is_refused(tmp_path: Path):
    for index in range(33):
        (tmp_path / f"{index}.json").write_bytes(b" " * (1 << 20))
    with pytest.raises(InputError, match=r"more than 32 MiB.*reward_workers\.nodes: driver"):
        PluginFolder.read(tmp_path)
