"""Everything that can be wrong with what a user gives: one paragraph, exit code 2, nothing started, nothing left."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lpo.recipe import load_recipe
from trainers import launch
from trainers.checkpoints import Checkpoints
from trainers.cli import app
from trainers.prepare import prepare
from trainers.run_folder import RunFolder

# Fewer prompts than the recipe has: every case reads them again.
FEW = ["data.source.size=300", "data.held_out=32"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("LPO_CACHE", str(folder))
        patch.delenv("RAY_ADDRESS", raising=False)
        yield folder


@pytest.fixture(scope="module")
def model(small_recipe: Path, cache: Path) -> Path:
    return prepare(load_recipe(small_recipe, FEW)).model_path


@pytest.fixture
def lpo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path) -> Any:
    def started(*_: Any) -> None:
        raise AssertionError("the run started")

    def run(*arguments: str) -> str:
        """The paragraph of a command that must be refused."""
        monkeypatch.setattr(launch, "_run", started)
        result = CliRunner().invoke(app, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 2, result.output
        assert result.output.startswith("error: "), result.output
        for jargon in ("Traceback", "pydantic", "validation error", "Input should be", "[type="):
            assert jargon not in result.output
        assert result.output.count("\n") == 1 or "fields cannot be used:" in result.output
        return result.output

    return run


@pytest.fixture
def refused(lpo: Any, small_recipe: Path, tmp_path: Path) -> Any:
    def train(*overrides: str) -> str:
        said = lpo("train", str(small_recipe), *FEW, f"run_dir={tmp_path / 'run'}", *overrides)
        assert not (tmp_path / "run").exists()
        return said

    return train


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["engine.wokers=2"], "unknown field 'wokers'; did you mean 'workers'?"),
        (["engine.workers=0"], "engine.workers is 0; it takes a whole number above 0"),
        (["seed=first"], "seed is 'first'; it takes a whole number"),
        (["stages.rl.algorithm=gppo"], "unknown algorithm 'gppo'; did you mean 'g"),
        (["stages.rl.optimizer=null"], "optimizer is null; it takes a mapping of fields"),
        (["engine.workers=0", "seed=-1"], "2 fields cannot be used"),
        (["seed"], "'seed' is not of the form key=value"),
        (["model={kind: local, path: no/such/folder}"], "no/such/folder, which does not exist"),
        (["data.source={kind: jsonl, path: rows.jsonl}"], "rows.jsonl, which does not exist"),
        (["data.source.task=chain_sums"], "did you mean 'chain_sum'?"),
        (["data.source.params={min_term: 2}"], "unknown parameter 'min_term'; did you mean 'min_terms'?"),
        (["data.source.params={min_terms: 5, max_terms: 2}"], "refuses them"),
        (["data.held_out=300"], "distinct questions, but data.held_out 300"),
        (["stages.rl.evaluation.items=33"], "evaluation.items 33 is more than the 32 held-out prompts"),
        (["data.template=chat"], "the model's tokenizer has no chat template; use template: plain"),
        (["data.solutions=chain_summ"], "did you mean 'chain_sum'?"),
        (["data.max_prompt_tokens=3"], "prompts are longer than data.max_prompt_tokens 3"),
        (["model.max_length=6"], "longer than the model's length of 6 tokens"),
        (["stages.rl.max_response_tokens=120"], "max_response_tokens 120 more, but the model takes 128 in all"),
        (["stages.rl.segmentation={grain: sentense}"], "grain 'sentense' is unknown"),
        (["stages.rl.rewards=[{reward: maths}]"], "unknown reward 'maths'; did you mean 'math'?"),
        (["stages.rl.rewards=[{reward: 'no.such:reward'}]"], "there is no module 'no'"),
        (["stages.rl.rewards=[{reward: 'absent.py:f'}]"], "absent.py, which does not exist"),
        (["stages.rl.rewards=[{reward: reasoning_gym, params: {extrct: auto}}]"], "did you mean 'extract'?"),
        (["learner.threads=5000"], "the run needs 5000 CPU (1 learner rank of 5000 CPU) and the machine has"),
        (["cluster.colocate=false", "engine.workers=5000"], "lower learner.ranks, learner.threads, engine.workers"),
        (["device=cuda"], "GPU"),
        (["engine.transfer=nccl"], "needs GPUs"),
        (["cluster.address=127.0.0.1:1"], "cluster.address 127.0.0.1:1: no Ray cluster answers there"),
    ],
)
def test_a_recipe_that_cannot_run(refused: Any, model: Path, overrides: list[str], said: str):
    assert said in refused(*overrides)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def judge(responses:\n", "does not import: SyntaxError"),
        ("import no_such_package\n", "does not import: ModuleNotFoundError: No module named 'no_such_package'"),
        ("1 / 0\n", "does not import: ZeroDivisionError"),
        ("import sys\nsys.exit(3)\n", "does not import: SystemExit"),
        ("def jugde(responses): return []\n", "unknown function 'judge'; did you mean 'jugde'?"),
        ("judge = 3\n", "is a int, not a function"),
        ("def judge(answers): return []\n", "never sees a response"),
        ("def judge(responses, solution): return []\n", "requires 'solution', which is neither a param nor a column"),
        ("def judge(responses, /): return []\n", "by position"),
    ],
)
def test_a_plugin_that_cannot_be_used(refused: Any, model: Path, tmp_path: Path, source: str, said: str):
    (tmp_path / "plugin.py").write_text(source)
    assert said in refused(f"stages.rl.rewards=[{{reward: '{tmp_path}/plugin.py:judge'}}]")


def damage_weights(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def unknown_architecture(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "lamma"}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "tokenizer.json").unlink(), "has no tokenizer"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "tokenizer cannot be loaded"),
        (lambda folder: (folder / "model.safetensors").unlink(), "has no safetensors weights"),
        (damage_weights, "was cut short: download it again"),
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json is not JSON"),
        (unknown_architecture, "lamma"),
    ],
)
def test_a_model_folder_that_cannot_be_used(refused: Any, model: Path, tmp_path: Path, damage: Any, said: str):
    shutil.copytree(model, tmp_path / "model")
    damage(tmp_path / "model")
    assert said in refused(f"model={{kind: local, path: '{tmp_path}/model'}}")


def test_a_folder_that_is_taken(lpo: Any, model: Path, small_recipe: Path, tmp_path: Path):
    recipe = load_recipe(small_recipe, [*FEW, f"run_dir={tmp_path / 'run'}"]).recipe
    RunFolder.create(recipe)
    said = lpo("train", str(small_recipe), *FEW, f"run_dir={tmp_path / 'run'}")
    assert f"holds a run already; continue it with `lpo resume {tmp_path / 'run'}`" in said
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").touch()
    assert "is not empty and holds no run" in lpo("train", str(small_recipe), *FEW, f"run_dir={tmp_path / 'other'}")


def test_a_folder_without_a_run_is_not_resumed(lpo: Any, tmp_path: Path):
    assert "holds no run" in lpo("resume", str(tmp_path))
    assert "holds no run" in lpo("resume", str(tmp_path / "absent"))


class SmallLearner:
    """Saves a state of a few bytes, where a learner would save weights and optimiser."""

    def save(self, folder: str) -> None:
        Path(folder).mkdir()
        Path(folder, "weights").write_bytes(b"1234")


def test_a_damaged_checkpoint_is_not_resumed(lpo: Any, model: Path, small_recipe: Path, tmp_path: Path):
    from trainers.run import RunState

    recipe = load_recipe(small_recipe, [*FEW, f"run_dir={tmp_path / 'run'}"]).recipe
    folder = RunFolder.create(recipe)
    checkpoints = Checkpoints(folder.checkpoints, 2, model)
    checkpoint = checkpoints.save("dft", RunState(step=2, global_step=2), SmallLearner())  # type: ignore[arg-type]
    (checkpoint / "state" / "weights").write_bytes(b"1235")
    assert "is damaged (checksum differs)" in lpo("resume", str(folder.path))
    (checkpoint / "state" / "weights").unlink()
    assert "weights is missing" in lpo("resume", str(folder.path))
    (checkpoint / "manifest.json").unlink()
    assert "has no manifest.json" in lpo("resume", str(folder.path))
    folder.recipe_file.write_text("name: [")
    assert "recipe.yaml" in lpo("resume", str(folder.path))


def process(*arguments: str, cache: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "LPO_CACHE": str(cache), "COLUMNS": "200"}
    command = [sys.executable, "-m", "trainers", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=500)


def test_a_valid_recipe_is_four_lines_and_nothing_else(small_recipe: Path, tmp_path: Path):
    """With an empty cache, so that the model is made: where libraries like to show progress."""
    done = process("validate", str(small_recipe), *FEW, cache=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["valid", "model", "data", "room"]


def test_a_refused_run_is_one_line_and_nothing_else(small_recipe: Path, model: Path, cache: Path):
    done = process("train", str(small_recipe), *FEW, "stages.rl.rewards=[{reward: maths}]", cache=cache)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: unknown reward 'maths'")
    assert done.stderr.count("\n") == 1
