"""The command line without engines: help, lists, completion, exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lpo.recipe import shipped_recipes
from trainers import cli
from trainers.cli.app import complete_recipe

COMMANDS = (
    "train",
    "resume",
    "submit",
    "validate",
    "export",
    "recipes",
    "doctor",
    "reward",
    "inspect",
    "sweep",
    "compare",
)


def lpo(*arguments: str) -> tuple[int, str]:
    """Exit code and what was printed; errors that the command line does not handle are raised."""
    result = CliRunner().invoke(cli.app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_help_names_every_command():
    code, output = lpo("--help")
    assert code == 0
    for command in COMMANDS:
        assert f" {command} " in output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str):
    code, output = lpo(command, "--help")
    assert code == 0
    assert f"lpo {command}" in output
    assert "Usage" in output


def test_the_version():
    code, output = lpo("--version")
    assert code == 0
    assert output.startswith("lpo 0.")


def test_importing_the_command_line_imports_nothing_heavy():
    program = "import sys, trainers.cli; print(*{'torch', 'ray', 'vllm', 'deepspeed', 'transformers', 'pydantic', "
    program += "'mlflow', 'datasets', 'reasoning_gym', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_shipped_recipes_are_listed_with_their_descriptions():
    code, output = lpo("recipes")
    assert code == 0
    assert all(name in output for name in shipped_recipes())
    assert "three-term sums" in output


def test_rewards_are_listed_with_their_first_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, output = lpo("reward", "list")
    assert code == 0
    lines = output.splitlines()
    assert any(line.startswith("soft_overlong ") and "falling evenly" in line for line in lines)


def test_recipes_complete_by_name_and_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name in ("quick.yaml", "quick.txt", "other.yml"):
        (tmp_path / name).touch()
    (tmp_path / "quick_folder").mkdir()
    assert sorted(complete_recipe("quick")) == [
        "quick.yaml", "quick_folder/", "quickstart", "quickstart_evo_cot", "quickstart_lpo", "quickstart_objectives"
    ]  # fmt: skip
    assert complete_recipe("other") == ["other.yml"]


def test_completion_is_offered_by_the_shell():
    environment = {"_LPO_COMPLETE": "complete_bash", "COMP_WORDS": "lpo train quick", "COMP_CWORD": "2"}
    result = CliRunner().invoke(cli.app, [], prog_name="lpo", env=environment)
    assert "quickstart" in result.output


def test_errors_of_users_are_a_paragraph_and_bugs_keep_their_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from trainers import run_folder

    def broken(path: object) -> None:
        raise KeyError("a bug")

    code, output = lpo("resume", str(tmp_path))
    assert code == 2
    assert output == f"error: {tmp_path} holds no run: it has no recipe.yaml\n"
    monkeypatch.setattr(run_folder.RunFolder, "open", broken)
    with pytest.raises(KeyError, match="a bug"):
        lpo("resume", str(tmp_path))


def test_an_error_is_shown_as_it_is_brackets_included(tmp_path: Path):
    code, output = lpo("resume", f"{tmp_path}/[bold]run")
    assert code == 2
    assert "/[bold]run holds no run" in output


def test_an_unknown_recipe_names_the_nearest():
    code, output = lpo("train", "quickstrat")
    assert code == 2
    assert "did you mean 'quickstart'?" in output


def test_submit_needs_an_address_and_whole_variables(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)
    code, output = lpo("submit", "quickstart")
    assert code == 2
    assert "--address" in output
    code, output = lpo("submit", "quickstart", "--address", "http://head:8265", "--env", "HF_TOKEN")
    assert code == 2
    assert "'HF_TOKEN' is not NAME=VALUE" in output


def test_submit_checks_the_recipe_before_it_looks_for_the_cluster():
    code, output = lpo("submit", "quickstart", "seed=-1", "--address", "http://127.0.0.1:1")
    assert code == 2
    assert "seed is -1" in output
