"""The pictures: files that can be opened, for whole runs, young runs and runs without some metric."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainers import plots
from trainers.figures import NOTHING
from trainers.plots import plot_run


def write(path: Path, records: list[dict]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def whole_run() -> list[dict]:
    records: list[dict] = [{"stage": "dft", "step": step, "tokens": step, "policy/loss": 1.0} for step in (1, 2, 3)]
    records.append({"stage": "rl", "step": 3, "tokens": 3} | evaluation(0.3))
    records += [
        {"stage": "rl", "step": step, "tokens": step, "reward/mean": 0.1 * step, "response/tokens": 30.0}
        | (evaluation(0.5) if step % 3 == 0 else {})
        for step in range(4, 10)
    ]
    return records


def evaluation(accuracy: float) -> dict[str, float]:
    return {
        "eval/accuracy": accuracy,
        "eval/accuracy_low": accuracy - 0.1,
        "eval/accuracy_high": accuracy + 0.1,
        "eval/mean_tokens": 30.0,
    }


@pytest.mark.parametrize(
    "records",
    [
        whole_run(),
        [{"stage": "rl", "step": 1, "tokens": 1, "reward/mean": 0.5}],
        [{"stage": "dft", "step": 1, "tokens": 1, "policy/loss": 0.5}],
        [{"stage": "rl", "step": 0, "tokens": 0} | evaluation(0.0)],
        [{"stage": "rl", "step": 1, "tokens": 1, "reward/mean": -1.0, "policy/clip_fraction": None}],
        [{"stage": "rl", "step": step, "tokens": 1, "reward/mean": 0.0} for step in range(60)],
    ],
    ids=["whole", "one step", "only dft", "only an evaluation", "negative and null", "constant"],
)
def test_both_pictures_are_written(tmp_path, records):
    paths = plot_run(write(tmp_path / "metrics.jsonl", records), tmp_path / "plots")
    assert [path.name for path in paths] == ["curves.png", "frontier.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    assert len(list((tmp_path / "plots").iterdir())) == 2


def test_a_part_that_never_clips_stands_at_the_bottom():
    records = [{"stage": "rl", "step": step, "tokens": 1, "policy/clip_fraction": 0.0} for step in range(9)]
    clipped = plots._curves(records, "x").axes[3]
    assert clipped.get_ylim() == (0, 1)


def test_a_run_without_metrics_has_no_pictures(tmp_path):
    assert plot_run(tmp_path / "metrics.jsonl", tmp_path / "plots") == []
    assert not (tmp_path / "plots").exists()


def test_the_curves_are_those_of_the_metrics(tmp_path):
    figure = plots._curves(whole_run(), "demo")
    reward, accuracy, _, clip = figure.axes
    assert list(reward.lines[0].get_xdata()) == [4, 5, 6, 7, 8, 9]
    assert list(reward.lines[0].get_ydata()) == pytest.approx([0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    assert list(accuracy.lines[0].get_xdata()) == [3, 6, 9]
    low = accuracy.collections[0].get_paths()[0].vertices[:, 1].min()
    assert low == pytest.approx(0.2)
    assert accuracy.get_ylim() == (0, 1)
    assert NOTHING in [text.get_text() for text in clip.texts]
    assert "rl" in [text.get_text() for text in reward.texts]


def test_stages_begin_where_the_one_before_ended():
    assert plots._stages(whole_run()) == [("dft", 1), ("rl", 3)]


def test_a_panel_begins_with_the_stage_that_logged_its_metric():
    stages = [("dft", 1), ("rl", 3), ("more", 9)]
    assert plots._stages_with(stages, [(4, 0.1)]) == [("rl", 3), ("more", 9)]
    assert plots._stages_with(stages, [(1, 0.1)]) == stages
    assert plots._stages_with(stages, []) == stages


def test_the_running_mean_is_shorter_at_the_ends():
    # 40 values: two neighbours on each side. First: (0 + 1 + 2) / 3; third: (0 + 1 + 2 + 3 + 4) / 5.
    smooth = plots._smooth(list(range(40)))
    assert (smooth[0], smooth[2], smooth[39]) == (1.0, 2.0, 38.0)


def test_no_global_state_of_matplotlib_is_touched(tmp_path):
    import matplotlib
    from matplotlib import pyplot

    before = (matplotlib.get_backend(), pyplot.get_fignums(), dict(matplotlib.rcParams))
    plot_run(write(tmp_path / "metrics.jsonl", whole_run()), tmp_path)
    assert (matplotlib.get_backend(), pyplot.get_fignums(), dict(matplotlib.rcParams)) == before
