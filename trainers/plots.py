"""The pictures of a run, from its metrics.jsonl: how it learned, and what accuracy costs in tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainers.figures import BLUE, GREEN, GREY, NOTHING, ORANGE, VERMILION, new_figure, save, style
from trainers.frontier import RunFrontier, draw_frontier
from trainers.run_folder import read_metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Record = dict[str, Any]

_PANELS = (
    ("Reward", ("reward/mean",), BLUE, None),
    ("Held-out accuracy", ("eval/accuracy",), GREEN, (0, 1)),
    ("Response length (tokens)", ("response/tokens", "eval/mean_tokens"), VERMILION, None),
    ("Clip fraction", ("policy/clip_fraction",), ORANGE, None),
)


def plot_run(metrics_jsonl: str | Path, out_dir: str | Path) -> list[Path]:
    """Write ``curves.png`` and ``frontier.png``; returns their paths, or nothing when there are no metrics yet.

    Curves are over the steps of all stages: reward, held-out accuracy with its 95% band, response tokens, clip
    fraction. A panel whose metric the run did not log says so.
    """
    records = list(read_metrics(Path(metrics_jsonl)))
    if not records:
        return []
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    title = Path(metrics_jsonl).absolute().parent.name
    return [
        save(_curves(records, title), folder / "curves.png"),
        save(draw_frontier(RunFrontier.of(title, records)), folder / "frontier.png"),
    ]


def _curves(records: Sequence[Record], title: str) -> Figure:
    figure = new_figure(10, 6.4)
    figure.suptitle(title, x=0.012, ha="left", fontsize=12, fontweight="bold")
    axes = figure.subplots(2, 2)
    stages = _stages(records)
    last = records[-1]["step"]
    for axis, (label, names, colour, limits) in zip(axes.flat, _PANELS, strict=True):
        style(axis, label)
        points = _points(records, names)
        shown = _stages_with(stages, points)
        axis.set_xlim(shown[0][1], max(last, shown[0][1] + 1))
        axis.set_xlabel("step")
        axis.xaxis.get_major_locator().set_params(integer=True)
        if points:
            _draw(axis, records, points, names[0], colour)
        else:
            axis.text(0.5, 0.5, NOTHING, transform=axis.transAxes, ha="center", va="center", color=GREY)
            axis.set_yticks([])
        if limits and points:
            axis.set_ylim(*limits)
            axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        elif points:
            _start_at_zero(axis, [value for _, value in points])
        _mark_stages(axis, shown, last, several=len(stages) > 1)
    return figure


def _draw(axis: Axes, records: Sequence[Record], points: list[tuple[int, float]], name: str, colour: str) -> None:
    steps, values = zip(*points, strict=True)
    banded = [record for record in records if record.get(f"{name}_low") is not None and record.get(name) is not None]
    if banded and name.startswith("eval/"):  # policy/clip_fraction_low and _high are no interval, but the two clips
        at = [record["step"] for record in banded]
        low, high = ([record[f"{name}_{end}"] for record in banded] for end in ("low", "high"))
        axis.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0, label="95%")
        axis.plot(steps, values, color=colour, marker="o", markersize=4.5, linewidth=1.8)
        axis.annotate(
            f"{values[-1]:.0%}", (steps[-1], values[-1]), xytext=(-4, 8), textcoords="offset points", ha="right",
            color=colour, fontweight="bold",
        )  # fmt: skip
    elif len(points) > 30:
        # Many noisy steps: the steps themselves pale, their running mean on top.
        axis.plot(steps, values, color=colour, alpha=0.3, linewidth=1)
        axis.plot(steps, _smooth(values), color=colour, linewidth=2)
    else:
        axis.plot(steps, values, color=colour, linewidth=1.8, marker="o" if len(points) < 3 else None)


def _points(records: Sequence[Record], names: Sequence[str]) -> list[tuple[int, float]]:
    """(step, value) of the first of ``names`` that the run logged more than any other."""
    series = [
        [(record["step"], float(record[name])) for record in records if record.get(name) is not None] for name in names
    ]
    return max(series, key=len)


def _stages(records: Sequence[Record]) -> list[tuple[str, int]]:
    """(name, step at which it begins) of every stage."""
    begins: dict[str, int] = {}
    before = records[0]["step"]
    for record in records:
        begins.setdefault(record["stage"], before)
        before = record["step"]
    return list(begins.items())


def _stages_with(stages: list[tuple[str, int]], points: list[tuple[int, float]]) -> list[tuple[str, int]]:
    """The stages from the first one on that logged the metric: a long supervised stage must not squeeze the curves."""
    begin = points[0][0] if points else stages[0][1]
    before = [number for number, (_, step) in enumerate(stages) if step < begin]
    return stages[before[-1] if before else 0 :]


def _mark_stages(axis: Axes, stages: list[tuple[str, int]], last: int, *, several: bool) -> None:
    if not several:
        return
    for number, (name, begin) in enumerate(stages):
        end = stages[number + 1][1] if number + 1 < len(stages) else last
        if number:
            axis.axvline(begin, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        axis.text(
            (begin + end) / 2, 1.0, name, transform=axis.get_xaxis_transform(), ha="center", va="bottom", fontsize=8.5,
            color=GREY,
        )  # fmt: skip


def _smooth(values: Sequence[float]) -> list[float]:
    """Running mean over a tenth of the run, shorter at both ends, where it has fewer neighbours."""
    reach = max(1, len(values) // 20)
    windows = [values[max(0, i - reach) : i + reach + 1] for i in range(len(values))]
    return [sum(window) / len(window) for window in windows]


def _start_at_zero(axis: Axes, values: Sequence[float]) -> None:
    """A metric that is never negative starts at zero, unless that would flatten its changes."""
    if not any(values):
        axis.set_ylim(0, 1)
    elif 0 <= min(values) < 0.6 * max(values):
        axis.set_ylim(bottom=0)
