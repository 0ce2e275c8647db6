"""The run folder: what it refuses, what it writes, and that no step occurs twice."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from lpo.recipe import Recipe, load_recipe
from lpo.samples import Group, Prompt, Response
from trainers.run_folder import RunFolder, RunFolderError, check_run_dir, read_metrics, write_atomically
from trainers.run_log import logged


@pytest.fixture
def recipe(tmp_path) -> Recipe:
    values = {
        "name": "demo",
        "run_dir": str(tmp_path / "run"),
        "model": {"kind": "hub", "id": "a/b"},
        "data": {"source": {"kind": "reasoning_gym", "task": "chain_sum"}},
        "stages": [{"kind": "dft", "steps": 1, "optimizer": {"learning_rate": 0.1}}],
    }
    return Recipe.model_validate(values)


def test_the_default_folder_is_new_every_time(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    unnamed = recipe.model_copy(update={"run_dir": None})
    first, second = RunFolder.create(unnamed).path, RunFolder.create(unnamed).path
    assert first != second
    assert first.parent == tmp_path / "runs"
    assert first.name.startswith("demo-")


def test_the_recipe_in_the_folder_loads_to_the_same(recipe):
    folder = RunFolder.create(recipe)
    assert load_recipe(folder.recipe_file).recipe == recipe


def test_a_folder_with_a_run_is_refused_with_the_command_that_continues_it(recipe, tmp_path):
    RunFolder.create(recipe)
    with pytest.raises(RunFolderError, match=f"lpo resume {tmp_path}/run"):
        RunFolder.create(recipe)
    assert RunFolder.open(tmp_path / "run").path == tmp_path / "run"


def test_a_folder_with_other_files_is_refused(recipe, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").touch()
    with pytest.raises(RunFolderError, match="is not empty and holds no run"):
        RunFolder.create(recipe)
    with pytest.raises(RunFolderError, match=r"has no recipe\.yaml"):
        RunFolder.open(tmp_path / "run")


def test_an_empty_folder_is_used_and_a_file_is_not(recipe, tmp_path):
    (tmp_path / "run").mkdir()
    RunFolder.create(recipe)
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="is a file"):
        RunFolder.create(recipe.model_copy(update={"run_dir": str(tmp_path / "file")}))


def test_open_names_the_runs_beside(recipe, tmp_path):
    RunFolder.create(recipe)
    with pytest.raises(RunFolderError, match="runs beside it: run"):
        RunFolder.open(tmp_path / "rum")


def test_a_line_is_on_disk_when_append_returns(recipe):
    folder = RunFolder.create(recipe)
    folder.append_metrics({"stage": "rl", "step": 1, "tokens": 10, "reward/mean": 0.5})
    assert folder.metrics_file.read_text() == '{"stage": "rl", "step": 1, "tokens": 10, "reward/mean": 0.5}\n'


def test_values_that_json_lacks_become_null(recipe):
    folder = RunFolder.create(recipe)
    folder.append_metrics({"step": 1, "a": float("nan"), "b": float("inf"), "c": True, "d": None})
    assert folder.metrics() == [{"step": 1, "a": None, "b": None, "c": True, "d": None}]


def test_truncation_leaves_no_step_to_occur_twice(recipe):
    folder = RunFolder.create(recipe)
    for step in range(6):
        folder.append_metrics({"step": step, "stage": "rl", "tokens": step})
        folder.save_rollouts("rl", step, [_group()])
    folder.truncate_to(3, "rl")
    for step in (4, 5):
        folder.append_metrics({"step": step, "stage": "rl", "tokens": step})
    assert [record["step"] for record in folder.metrics()] == [0, 1, 2, 3, 4, 5]
    assert sorted(path.name for path in folder.rollouts.iterdir()) == [f"rl-{step:06d}.jsonl" for step in range(4)]


def test_the_evaluation_that_begins_a_stage_is_cut_off_when_it_will_come_again(recipe):
    folder = RunFolder.create(recipe)
    for step, stage in ((4, "dft"), (5, "dft"), (5, "rl"), (6, "rl")):
        folder.append_metrics({"step": step, "stage": stage})
    folder.truncate_to(6, "rl")
    assert len(folder.metrics()) == 4
    folder.truncate_to(5, "dft")
    assert [(record["step"], record["stage"]) for record in folder.metrics()] == [(4, "dft"), (5, "dft")]


def test_a_run_stopped_before_its_first_checkpoint_begins_anew(recipe):
    folder = RunFolder.create(recipe)
    for step in (0, 1, 2):
        folder.append_metrics({"step": step, "stage": "rl"})
    folder.truncate_to(0, "rl")
    assert folder.metrics() == []


def test_a_half_written_last_line_is_left_out_and_cut_off(recipe):
    folder = RunFolder.create(recipe)
    folder.append_metrics({"step": 1, "stage": "rl"})
    with folder.metrics_file.open("a") as file:
        file.write('{"step": 2, "rew')
    assert [record["step"] for record in folder.metrics()] == [1]
    folder.truncate_to(1, "rl")
    folder.append_metrics({"step": 2, "stage": "rl"})
    assert [record["step"] for record in folder.metrics()] == [1, 2]


def test_damage_in_the_middle_is_an_error_with_the_line(tmp_path):
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(RunFolderError, match="line 2 is damaged"):
        list(read_metrics(file))


def test_rollouts_carry_text_reward_and_sentences(recipe):
    folder = RunFolder.create(recipe)
    path = folder.save_rollouts("rl", 7, [_group()])
    row = json.loads(path.read_text())
    assert path.name == "rl-000007.jsonl"
    assert (row["question"], row["response"], row["reward"], row["components"]) == (
        "1+1?",
        "It is ２.",
        1.0,
        {"ok": 1.0},
    )
    assert row["segment_ids"] == [0, 0, 0]
    assert folder.save_rollouts("rl", 8, []) is None


def test_state_accumulates(recipe):
    folder = RunFolder.create(recipe)
    assert folder.read_state() == {}
    folder.write_state(mlflow_run_id="abc")
    folder.write_state(status="FINISHED")
    assert RunFolder.open(folder.path).read_state() == {"mlflow_run_id": "abc", "status": "FINISHED"}


def test_a_failed_write_leaves_the_old_file(tmp_path):
    file = tmp_path / "file"
    write_atomically(file, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(file, "\ud800")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_logging_goes_to_the_file_from_debug_and_to_the_console_from_warning(recipe, capsys):
    folder = RunFolder.create(recipe)
    before = (logging.getLogger().level, list(logging.getLogger().handlers))
    with logged(folder.log_file):
        logging.getLogger("trainers.x").debug("quiet")
        logging.getLogger("trainers.x").warning("loud")
        logging.getLogger("urllib3").debug("chatter")
    log, console = folder.log_file.read_text(), capsys.readouterr().err
    assert "quiet" in log
    assert "loud" in log
    assert "chatter" not in log
    assert "quiet" not in console
    assert "loud" in console
    assert (logging.getLogger().level, list(logging.getLogger().handlers)) == before


def _group() -> Group:
    prompt = Prompt("p1", [1, 2], "1+1?", "1+1?", {"answer": "2"})
    response = Response([5, 6, 7], [-0.1, -0.2, -0.3], "It is ２.", "stop", 1, reward=1.0, components={"ok": 1.0})
    response.segment_ids = [0, 0, 0]
    return Group(prompt, [response])


def test_paths_are_absolute(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = RunFolder.create(recipe.model_copy(update={"run_dir": "here"}))
    assert folder.path == Path(tmp_path / "here")


def test_rollouts_carry_ratios_and_places_where_they_are_known(recipe):
    from lpo.objectives import ResponseOutcome
    from tests.unit.lpo.small_tokenizers import byte_level

    tokenizer = byte_level()
    group = _group()
    [response] = group.responses
    response.text = "It is é"
    response.token_ids = tokenizer.encode(response.text, add_special_tokens=False)[:-1]  # half a character at the end
    response.outcome = ResponseOutcome("segment", [1.25, float("inf")], ["high", ""])
    row = json.loads(RunFolder.create(recipe).save_rollouts("rl", 1, [group], tokenizer).read_text())
    assert (row["grain"], row["ratios"], row["clips"]) == ("segment", [1.25, None], ["high", ""])
    assert len(row["offsets"]) == len(response.token_ids)
    assert row["decoded"] == "It is \ufffd"


def test_two_processes_do_not_train_in_one_folder(recipe):
    folder = RunFolder.create(recipe)
    with (
        folder.locked(),
        pytest.raises(RunFolderError, match=f"process {os.getpid()} of .* is training in it"),
        RunFolder.open(folder.path).locked(),
    ):
        pass
    with folder.locked():
        pass


def test_what_was_damaged_in_the_folder_is_named(recipe):
    folder = RunFolder.create(recipe)
    (folder.rollouts / "notes.jsonl").write_text("mine")
    folder.append_metrics({"loss": 1.0})
    with pytest.raises(RunFolderError, match="a line without stage and step"):
        folder.truncate_to(1, "rl")
    folder.metrics_file.write_text("5\n{}\n")
    with pytest.raises(RunFolderError, match="line 1 is damaged"):
        folder.truncate_to(1, "rl")
    folder.metrics_file.unlink()
    folder.truncate_to(1, "rl")
    assert (folder.rollouts / "notes.jsonl").exists()
    (folder.path / "run.json").write_text('{"a": ')
    with pytest.raises(RunFolderError, match=r"run\.json is damaged"):
        folder.read_state()


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x", "a" * 5000, "a\0b"])
def test_what_can_be_no_path_is_refused(path, recipe):
    with pytest.raises(RunFolderError, match=r"run_dir .*(no path|NUL)"):
        check_run_dir(recipe.model_copy(update={"run_dir": path}))
