"""What accuracy costs in tokens: the frontier of a run's evaluations, its area, and pictures of one run or several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpo.errors import InputError
from trainers.figures import BLUE, GREEN, GREY, NOTHING, ORANGE, VERMILION, new_figure, style
from trainers.run_folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (BLUE, VERMILION, GREEN, ORANGE, GREY)
_MARKERS = ("o", "s", "^", "D", "v", "P")


class FrontierError(InputError):
    """Runs whose frontiers cannot be drawn or compared; the message says why."""


@dataclass(frozen=True)
class FrontierPoint:
    """One evaluation: mean tokens of a response, accuracy between 0 and 1 with its 95% interval."""

    tokens: float
    accuracy: float
    low: float
    high: float
    step: int = 0
    stage: str = ""


def frontier_area(points: Iterable[tuple[float, float]], budget: float) -> float:
    """The area under the frontier of (mean response tokens, accuracy) points, between 0 and 1.

    F(b) is the best accuracy that any point reaches with at most b tokens, 0 where there is none. The area is the mean
    of F over [0, budget]: (1 / budget) x the integral of F(b) db from 0 to ``budget``. It is the accuracy to expect
    when a budget between none and ``budget`` tokens is drawn evenly and the best evaluated policy within it answers.
    Points that others beat do not change it, points beyond ``budget`` do not count, and 1 is always right at no tokens.
    Areas compare only at the same budget.

    Raises:
        ValueError: ``budget`` is not above 0.
    """
    if budget <= 0:
        raise ValueError(f"budget is {budget}; it must be above 0 tokens")
    area, best, since = 0.0, 0.0, 0.0
    for tokens, accuracy in _frontier(points):
        if tokens >= budget:
            break
        area += best * (tokens - since)
        best, since = accuracy, max(0.0, tokens)
    return (area + best * (budget - since)) / budget


def _frontier(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that no other one beats, by rising tokens and accuracy."""
    frontier: list[tuple[float, float]] = []
    for tokens, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not frontier or accuracy > frontier[-1][1]:
            frontier.append((tokens, accuracy))
    return frontier


@dataclass(frozen=True)
class RunFrontier:
    """The evaluations of a run, in their order, and the tokens that they allowed a response at most."""

    name: str
    points: list[FrontierPoint]
    limit: float

    @classmethod
    def of(cls, name: str, records: Sequence[dict[str, Any]]) -> RunFrontier:
        """From the records of a metrics.jsonl."""
        measured = [each for each in records if None not in (each.get("eval/accuracy"), each.get("eval/mean_tokens"))]
        points = [
            FrontierPoint(
                tokens=each["eval/mean_tokens"],
                accuracy=each["eval/accuracy"],
                low=each.get("eval/accuracy_low", each["eval/accuracy"]),
                high=each.get("eval/accuracy_high", each["eval/accuracy"]),
                step=each["step"],
                stage=each["stage"],
            )
            for each in measured
        ]
        limits = [each.get("eval/token_limit") or each["eval/mean_tokens"] for each in measured]
        return cls(name, points, max(limits, default=0.0))

    @classmethod
    def of_folder(cls, run_dir: str | Path) -> RunFrontier:
        """From a run's folder.

        Raises:
            FrontierError: the run has no evaluation with accuracy and tokens.
            RunFolderError: there is no run.
        """
        folder = RunFolder.open(run_dir)
        found = cls.of(folder.path.name, folder.metrics())
        if not found.points:
            raise FrontierError(f"{folder.path} has no evaluation yet, so there is nothing to draw")
        return found

    def area(self, budget: float | None = None) -> float:
        """``frontier_area`` of the evaluations; without a ``budget``, up to the tokens that they allowed."""
        return frontier_area([(point.tokens, point.accuracy) for point in self.points], budget or self.limit)

    def stages(self) -> list[RunFrontier]:
        """The points of each stage apart."""
        names = list(dict.fromkeys(point.stage for point in self.points))
        return [
            RunFrontier(name, [point for point in self.points if point.stage == name], self.limit) for name in names
        ]


def shared_budget(runs: Sequence[RunFrontier], budget: float | None = None) -> float:
    """The budget to compare runs at: the one given, else the tokens that all of them allowed.

    Raises:
        FrontierError: they allowed different numbers, so that one has to be chosen.
    """
    if budget is not None:
        if budget <= 0:
            raise FrontierError(f"--budget {budget:g} is not above 0 tokens")
        return budget
    limits = {run.limit for run in runs}
    if len(limits) > 1:
        shown = ", ".join(f"{run.name} {run.limit:g}" for run in runs)
        raise FrontierError(f"the runs allowed different response lengths ({shown} tokens); choose a --budget")
    return limits.pop()


def draw_frontier(run: RunFrontier) -> Figure:
    """One run: its evaluations by stage, in the order of training, and the frontier that they reach."""
    figure, axis = _canvas(run.name)
    if not run.points:
        axis.text(0.5, 0.5, NOTHING, transform=axis.transAxes, ha="center", va="center", color=GREY)
        return figure
    stages = run.stages()
    tokens, accuracy = [point.tokens for point in run.points], [point.accuracy for point in run.points]
    axis.plot(tokens, accuracy, color=GREY, linewidth=1, alpha=0.6, zorder=1)
    for number, stage in enumerate(stages):
        _evaluations(axis, stage, number, label=stage.name if len(stages) > 1 else None)
    first, last = run.points[0], run.points[-1]
    for point, where in ((first, (8, -14)), (last, (8, 8))):
        axis.annotate(
            f"step {point.step}", (point.tokens, point.accuracy), xytext=where, textcoords="offset points", fontsize=9
        )
    _finish(axis)
    _staircase(axis, run, GREY, f"frontier, area {run.area():.3f} up to {run.limit:g} tokens")
    handles, labels = axis.get_legend_handles_labels()  # matplotlib lists error bars after lines; stages come first
    axis.legend([*handles[1:], handles[0]], [*labels[1:], labels[0]], frameon=False, loc="best", fontsize=9)
    return figure


def draw_frontiers(runs: Sequence[RunFrontier], budget: float, title: str) -> Figure:
    """Several runs: the evaluations of each in the order of training, its frontier, and its area up to ``budget``."""
    figure, axis = _canvas(title)
    for number, run in enumerate(runs):
        colour = _COLOURS[number % len(_COLOURS)]
        tokens, accuracy = [point.tokens for point in run.points], [point.accuracy for point in run.points]
        axis.plot(tokens, accuracy, color=colour, linewidth=1, alpha=0.4, zorder=1)
        _evaluations(axis, run, number, label=f"{run.name}, area {run.area(budget):.3f}")
    _finish(axis)
    for number, run in enumerate(runs):
        _staircase(axis, run, _COLOURS[number % len(_COLOURS)], None)
    axis.legend(frameon=False, loc="best", fontsize=9, title=f"areas up to {budget:g} tokens")
    return figure


def _canvas(title: str) -> tuple[Figure, Axes]:
    figure = new_figure(6.4, 4.8)
    axis = figure.subplots()
    figure.suptitle(title, x=0.018, ha="left", fontsize=12, fontweight="bold")
    style(axis, "Held-out accuracy against response length, with 95% intervals")
    axis.set_xlabel("mean response tokens")
    axis.set_ylabel("held-out accuracy")
    return figure, axis


def _evaluations(axis: Axes, run: RunFrontier, number: int, label: str | None) -> None:
    low = [max(0.0, point.accuracy - point.low) for point in run.points]
    high = [max(0.0, point.high - point.accuracy) for point in run.points]
    axis.errorbar(
        [point.tokens for point in run.points], [point.accuracy for point in run.points], yerr=[low, high],
        linestyle="none", marker=_MARKERS[number % len(_MARKERS)], markersize=7, markeredgecolor="white", elinewidth=1,
        color=_COLOURS[number % len(_COLOURS)], label=label, zorder=2,
    )  # fmt: skip


def _finish(axis: Axes) -> None:
    axis.set_ylim(0, 1)
    axis.margins(x=0.15)
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")


def _staircase(axis: Axes, run: RunFrontier, colour: str, label: str | None) -> None:
    """The frontier within the axis as it is: from no accuracy below the shortest point to the best one at the right."""
    left, right = axis.get_xlim()
    steps = [(left, 0.0), *_frontier((point.tokens, point.accuracy) for point in run.points)]
    steps.append((right, steps[-1][1]))
    tokens, accuracy = zip(*steps, strict=True)
    axis.step(tokens, accuracy, where="post", color=colour, linewidth=1.2, linestyle=(0, (4, 2)), label=label, zorder=0)
    axis.set_xlim(left, right)


def log_picture(run_dir: str | Path, picture: Path) -> str | None:
    """Adds a picture to the artifacts of the run's MLflow run; returns its id, None where the run was not tracked.

    Raises:
        RunFolderError: there is no run.
    """
    state = RunFolder.open(run_dir).read_state()
    run_id, uri = state.get("mlflow_run_id"), state.get("mlflow_uri")
    if run_id is None or uri is None:
        return None
    from trainers.tracking.mlflow_store import open_client

    open_client(uri).log_artifact(run_id, str(picture), "plots")
    return str(run_id)
