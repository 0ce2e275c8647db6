"""Runs side by side, from run folders written here."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from rich.console import Console

from lpo.recipe import dump_recipe, load_recipe
from trainers.comparison.report import draw, page, table
from trainers.comparison.runs import ComparisonError, read_runs
from trainers.comparison.series import curve
from trainers.comparison.summary import best_variants, compare


def run_folder(
    root: Path, algorithm: str, seed: int, accuracies: list[float], *overrides: str, tokens: int = 100
) -> Path:
    """Evaluations every ``tokens`` response tokens, from a start at 1000 tokens, each step taking 30 seconds."""
    folder = root / f"{algorithm}-{seed}"
    (folder / "checkpoints" / "rl-model").mkdir(parents=True)
    recipe = load_recipe("smollm2_arithmetic", [f"stages.rl.algorithm={algorithm}", f"seed={seed}", *overrides]).recipe
    (folder / "recipe.yaml").write_text(dump_recipe(recipe))
    records = [
        {"stage": "rl", "step": i, "tokens": 1000 + i * tokens, "eval/accuracy": value, "eval/mean_tokens": 20.0 - i,
         "time/step": 30.0, "policy/clip_fraction": 0.1, "policy/ratio_max": 1.5}
        for i, value in enumerate(accuracies)
    ]  # fmt: skip
    (folder / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records))
    return folder


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    made = [
        run_folder(tmp_path, "lpo", 0, [0.1, 0.3, 0.5, 0.9]),  # one evaluation more than the others
        run_folder(tmp_path, "lpo", 1, [0.1, 0.4, 0.6]),
        run_folder(tmp_path, "grpo", 0, [0.1, 0.2, 0.3]),
        run_folder(tmp_path, "grpo", 1, [0.1, 0.1, 0.4]),
    ]
    return [str(folder) for folder in made]


def test_accuracy_is_compared_at_the_tokens_that_all_have_spent(folders: list[str]):
    found = compare(read_runs(folders))
    assert found.tokens == 200
    assert [row.label for row in found.rows] == ["lpo", "grpo"]
    assert [row.accuracy.mean for row in found.rows] == [pytest.approx(0.55), pytest.approx(0.35)]
    (test,) = found.tests
    assert (test.first, test.second, test.difference) == ("lpo", "grpo", pytest.approx(0.2))
    assert found.warnings == []


def test_the_cost_of_an_accuracy(folders: list[str]):
    lpo, grpo = compare(read_runs(folders), target=0.4).rows
    assert lpo.tokens_to is not None
    assert lpo.tokens_to.mean == 150  # 200 tokens for seed 0, 100 for seed 1
    assert lpo.minutes_to is not None
    assert lpo.minutes_to.mean == pytest.approx((3 * 30 + 2 * 30) / 60 / 2)
    assert (grpo.reached, len(grpo.seeds)) == (1, 2)


def test_a_difference_beside_the_algorithm_is_warned_of(folders: list[str], tmp_path: Path):
    other = run_folder(tmp_path, "gspo", 0, [0.1, 0.2, 0.3], "stages.rl.temperature=0.7")
    warnings = compare(read_runs([*folders, str(other)])).warnings
    assert any("stages[0].temperature is 0.7 or 1.0" in warning for warning in warnings)
    assert any("do not have the same seeds" in warning for warning in warnings)


def test_the_best_of_an_algorithms_variants_is_compared(folders: list[str], tmp_path: Path):
    wide = run_folder(tmp_path, "{name: lpo, eps_low: 0.1}", 0, [0.1, 0.2, 0.2])
    found = compare(read_runs([*folders, str(wide)]))
    assert [row.label for row in found.rows] == ["lpo", "grpo"]
    assert [row.label for row in found.dropped] == ["lpo eps_low=0.1"]


def test_seeds_that_some_variants_lack_do_not_choose(folders: list[str], tmp_path: Path):
    """Seed 1 of the default eps is better than seed 0, but the other eps was not tried with it."""
    wide = run_folder(tmp_path, "{name: lpo, eps_low: 0.1}", 0, [0.1, 0.4, 0.55])
    runs = read_runs([*folders, str(wide)])
    assert best_variants(runs) == ["lpo eps_low=0.1", "grpo"]
    assert compare(runs).rows[0].label == "lpo eps_low=0.1"


def test_runs_that_end_a_batch_apart_are_judged_by_their_ends(folders: list[str], tmp_path: Path):
    wide = run_folder(tmp_path, "{name: lpo, eps_low: 0.1}", 0, [0.1, 0.2, 0.95], tokens=104)
    runs = read_runs([*folders, str(wide)])
    assert best_variants(runs) == ["lpo eps_low=0.1", "grpo"]
    assert compare(runs).rows[0].accuracy.mean == 0.95


def test_runs_that_go_on_are_marked(folders: list[str]):
    (Path(folders[0]) / "checkpoints" / "rl-model").rmdir()
    found = compare(read_runs(folders))
    assert found.rows[0].seeds == [1]
    assert any("not finished yet, and left out: lpo-0" in warning for warning in found.warnings)


def test_a_run_that_has_just_begun_does_not_put_all_at_its_tokens(folders: list[str], tmp_path: Path):
    young = run_folder(tmp_path, "gspo", 0, [0.1])
    (young / "checkpoints" / "rl-model").rmdir()
    found = compare(read_runs([*folders, str(young)]))
    assert found.tokens == 200
    assert [row.label for row in found.rows] == ["lpo", "grpo"]
    alone = compare(read_runs([str(young)]))
    assert (alone.tokens, alone.rows[0].unfinished) == (0, 1)
    assert any("not finished yet: gspo-0" in warning for warning in alone.warnings)


def test_a_curve_is_the_mean_over_seeds(folders: list[str]):
    runs = [run for run in read_runs(folders) if run.label == "lpo"]
    points = curve(runs, "eval/accuracy")
    assert [(point.tokens, round(point.value.mean, 9)) for point in points] == [(0, 0.1), (100, 0.35), (200, 0.55)]


def test_table_picture_and_page(folders: list[str], tmp_path: Path):
    found = compare(read_runs(folders))
    console = Console(width=200, record=True, file=(tmp_path / "out.txt").open("w"))
    console.print(table(found))
    text = console.export_text()
    assert "0.550 ± " in text
    assert "lpo − grpo" in text
    assert draw(found, tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    html = page(found, "a <study>")
    assert "a &lt;study&gt;" in html
    assert html.count("<polyline") == 8  # two algorithms in four charts
    assert "http" not in html.replace("http-equiv", "")


def test_a_run_counts_once_however_often_it_is_named(folders: list[str]):
    assert len(read_runs([*folders, folders[0], f"{folders[0]}/."])) == 4


def test_a_run_that_was_never_judged_is_no_run_without_accuracy(folders: list[str], tmp_path: Path):
    never = str(run_folder(tmp_path, "gspo", 0, [math.nan, math.nan]))
    found = compare(read_runs([*folders, never]))
    assert [row.label for row in found.rows] == ["lpo", "grpo"]
    assert "never judged, and left out: gspo-0" in found.warnings
    with pytest.raises(ComparisonError, match="no run has been judged"):
        compare(read_runs([never]))


def test_test_questions_asked_after_different_tokens_are_warned_of(folders: list[str]):
    for folder in map(Path, folders):
        lines = (folder / "metrics.jsonl").read_text().splitlines()
        last = json.loads(lines[-1]) | {"eval/test_accuracy": 0.5}
        (folder / "metrics.jsonl").write_text("\n".join([*lines[:-1], json.dumps(last)]) + "\n")
    (warning,) = compare(read_runs(folders)).warnings
    assert "not at equal tokens: the runs ended after 200 to 300 response tokens" in warning


def test_nothing_to_compare_is_said(tmp_path: Path):
    folder = run_folder(tmp_path, "lpo", 0, [0.1])
    (folder / "metrics.jsonl").write_text("")
    with pytest.raises(ComparisonError, match="no run has logged a step"):
        read_runs([str(folder)])
