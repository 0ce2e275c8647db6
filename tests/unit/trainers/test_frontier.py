"""The area under the frontier by hand, and the pictures of one run and of several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trainers.cli import app
from trainers.frontier import (
    FrontierError,
    RunFrontier,
    draw_frontier,
    draw_frontiers,
    frontier_area,
    shared_budget,
)
from trainers.run_folder import RunFolderError


def test_one_point():
    # 0 up to 20 tokens, 0.6 for the other 20 of 40
    assert frontier_area([(20, 0.6)], budget=40) == pytest.approx(0.6 * 20 / 40)


def test_a_staircase():
    # 0 up to 20, then 0.6 up to 30, then 0.8 up to 40: (6 + 8) / 40
    assert frontier_area([(20, 0.6), (30, 0.8)], budget=40) == pytest.approx(14 / 40)


def test_points_that_others_beat_change_nothing():
    frontier = [(20.0, 0.6), (30.0, 0.8)]
    beaten = [(25.0, 0.5), (30.0, 0.7), (35.0, 0.8), (20.0, 0.1)]
    assert frontier_area(frontier + beaten, 40) == frontier_area(beaten + frontier, 40) == pytest.approx(14 / 40)


def test_points_beyond_the_budget_do_not_count():
    assert frontier_area([(20, 0.6), (40, 0.9), (50, 1.0)], budget=40) == pytest.approx(0.3)
    assert frontier_area([(41, 1.0)], budget=40) == 0


def test_the_ends_of_the_scale():
    assert frontier_area([], budget=10) == 0
    assert frontier_area([(0, 1.0)], budget=10) == 1
    assert frontier_area([(0, 0.5), (10, 1.0)], budget=10) == 0.5


@pytest.mark.parametrize("budget", [0, -1])
def test_a_budget_without_tokens_is_refused(budget: int):
    with pytest.raises(ValueError, match=f"budget is {budget}"):
        frontier_area([(1, 1.0)], budget)


def evaluation(step: int, tokens: float, accuracy: float, stage: str = "rl", **more: float) -> dict:
    return {"stage": stage, "step": step, "eval/mean_tokens": tokens, "eval/accuracy": accuracy, **more}


RECORDS = [
    {"stage": "dft", "step": 1, "policy/loss": 2.0},
    evaluation(2, 30.0, 0.4, "dft", **{"eval/token_limit": 64.0}),
    evaluation(3, 28.0, 0.5, **{"eval/token_limit": 50.0, "eval/accuracy_low": 0.4, "eval/accuracy_high": 0.7}),
    {"stage": "rl", "step": 4, "eval/accuracy": None, "eval/mean_tokens": 3.0},
]


def test_the_points_of_a_run_are_its_evaluations():
    run = RunFrontier.of("demo", RECORDS)
    assert [(point.tokens, point.accuracy, point.step, point.stage) for point in run.points] == [
        (30.0, 0.4, 2, "dft"),
        (28.0, 0.5, 3, "rl"),
    ]
    assert [(point.low, point.high) for point in run.points] == [(0.4, 0.4), (0.4, 0.7)]
    assert run.limit == 64
    assert run.area() == pytest.approx(0.5 * 36 / 64)
    assert run.area(40) == pytest.approx(0.5 * 12 / 40)
    assert [stage.name for stage in run.stages()] == ["dft", "rl"]


def test_without_limits_a_run_counts_to_its_longest_point():
    assert RunFrontier.of("old", [evaluation(1, 30.0, 0.4), evaluation(2, 20.0, 0.4)]).limit == 30


def test_runs_compare_at_the_limit_that_they_share():
    runs = [RunFrontier.of("a", RECORDS), RunFrontier.of("b", RECORDS[:2])]
    assert shared_budget(runs) == 64
    assert shared_budget(runs, 40.0) == 40
    other = RunFrontier.of("c", [evaluation(1, 30.0, 0.4)])
    with pytest.raises(FrontierError, match=r"a 64, c 30 tokens\); choose a --budget"):
        shared_budget([runs[0], other])
    with pytest.raises(FrontierError, match="--budget -3 is not above 0"):
        shared_budget(runs, -3.0)


def test_the_picture_of_a_run_shows_its_points_and_says_its_area():
    [axis] = draw_frontier(RunFrontier.of("demo", RECORDS)).axes
    texts = [text.get_text() for text in axis.get_legend().get_texts()]
    assert texts == ["dft", "rl", f"frontier, area {0.5 * 36 / 64:.3f} up to 64 tokens"]
    path = axis.lines[0]
    assert (list(path.get_xdata()), list(path.get_ydata())) == ([30.0, 28.0], [0.4, 0.5])


def test_the_picture_of_several_runs_names_each_with_its_area():
    runs = [RunFrontier.of("plain", RECORDS[:2]), RunFrontier.of("short", RECORDS)]
    [axis] = draw_frontiers(runs, 64, "Frontier").axes
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == [f"plain, area {0.4 * 34 / 64:.3f}", f"short, area {0.5 * 36 / 64:.3f}"]
    staircase = axis.lines[-1]
    assert list(staircase.get_ydata()) == [0.0, 0.5, 0.5]


def run_folder(folder: Path, records: list[dict], **state: str) -> Path:
    folder.mkdir()
    (folder / "recipe.yaml").write_text("name: demo\n")
    (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    (folder / "run.json").write_text(json.dumps(state))
    return folder


def test_the_command_writes_the_picture_and_the_areas(tmp_path: Path):
    runs = [run_folder(tmp_path / name, RECORDS) for name in ("one", "two")]
    picture = tmp_path / "out" / "both.png"
    result = CliRunner().invoke(app, ["frontier", *map(str, runs), "--output", str(picture), "--budget", "40"])
    assert result.exit_code == 0, result.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "0.1500" in result.output
    assert "areas up to 40 tokens" in result.output


@pytest.mark.parametrize(
    ("records", "error", "said"),
    [(RECORDS[:1], FrontierError, "has no evaluation yet"), (None, RunFolderError, "holds no run")],
)
def test_folders_without_anything_to_draw_are_refused(tmp_path: Path, records, error: type, said: str):
    folder = tmp_path / "nothing" if records is None else run_folder(tmp_path / "young", records)
    with pytest.raises(error, match=said):
        RunFrontier.of_folder(folder)
    assert CliRunner().invoke(app, ["frontier", str(folder)]).exit_code == 2
