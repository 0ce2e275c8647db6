"""``lpo reward check``: what it shows of a reward, its exit codes, and how it hands over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trainers import cli

PLUGIN = """
from rewards import RewardResult

def brevity(responses, answer, log_metric, limit=40):
    print("looking at", len(responses))
    log_metric("longest", max(map(len, responses)))
    return [
        RewardResult(0.5 * (len(text) <= limit), {"words": len(text.split())}, {"seen": text[:3]})
        if right in text else None
        for text, right in zip(responses, answer)
    ]

def fragile(responses):
    return [1 / len(text) for text in responses]

def check_command(arguments):
    print("checking by itself", *arguments)
    return 3
"""
ROWS = [
    {"prompt": "2 + 2?", "responses": ["4", "four, that is 4, as far as anyone has told me", ""], "answer": "4"},
    {"prompt": "3 + 3?", "response": "6", "answer": "6"},
]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "mine.py").write_text(PLUGIN)
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(cli.app, ["reward", "check", *arguments], env={"COLUMNS": "160"})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


def test_scores_parts_notes_and_logs_are_shown(check):
    code, output = check("mine.py:brevity", "--data", "rows.jsonl", "limit=4")
    assert code == 0
    lines = [line.split() for line in output.splitlines()]
    assert lines[0] == ["row", "brevity", "words", "response", "notes"]
    assert lines[1] == ["1", "0.5", "1", "4", "seen:", "4"]
    assert lines[2][:4] == ["1", "0", "11", "four,"]
    assert lines[3] == ["1", "-", "-"]
    assert lines[4] == ["2", "0.5", "1", "6", "seen:", "6"]
    assert "3 of 4 responses valued" in output
    assert "mean 0.3333" in output
    assert "1 not applicable" in output
    assert "logged longest:" in output
    assert "looking at" in output


def test_faults_are_shown_with_their_traceback_and_fail_the_command(check):
    code, output = check("mine.py:fragile", "--data", "rows.jsonl")
    assert code == 1
    assert "3 of 4 responses valued" in output
    assert "1 invalid: ZeroDivisionError" in output
    assert "return [1 / len(text) for text in responses]" in output


def test_what_cannot_be_checked_is_refused(check, tmp_path):
    assert check("mine.py:missing", "--data", "rows.jsonl")[0] == 2
    code, output = check("mine.py:brevity", "--data", "rows.jsonl", "limits=4")
    assert (code, "unknown parameter 'limits'; did you mean 'limit'?" in " ".join(output.split())) == (2, True)
    assert check("mine.py:brevity", "--data", "rows.jsonl", "limit")[0] == 2
    assert check("mine.py:brevity", "--data", "rows.jsonl", "limit=[")[0] == 2
    assert check("", "--data", "rows.jsonl")[0] == 2
    assert check("mine.py:brevity", "--data", "gone.jsonl")[0] == 2
    (tmp_path / "rows.jsonl").write_text('{"prompt": "2 + 2?", "answer": "4"}\n')
    code, output = check("mine.py:brevity", "--data", "rows.jsonl")
    assert (code, "row 1 has no response" in output) == (2, True)
    assert check("math", "--data", "rows.jsonl")[0] == 2


def test_a_reward_with_a_check_of_its_own_gets_the_arguments(check):
    code, output = check("mine.py:fragile", "page.html", "--report", "out.html")
    assert (code, "checking by itself page.html --report out.html" in output) == (3, True)
    code, output = check("soft_overlong", "max_tokens=4", "buffer=2")
    assert (code, "--data" in output) == (2, True)


def test_help_behind_a_reward_is_that_of_its_own_check(check):
    code, output = check("frontend", "--help")
    assert (code, "--report" in output, "--data" in output) == (0, True, True)
    assert check("mine.py:fragile", "-h")[1].startswith("checking by itself -h")
    for general in (
        ["--help"],
        ["soft_overlong", "--help"],
        ["no_such", "--help"],
        ["frontend", "--data", "x", "--help"],
    ):
        code, output = check(*general)
        assert (code, "--timeout" in output) == (0, True)
