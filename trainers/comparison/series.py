"""Curves over seeds: the runs of an algorithm, evaluation by evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from trainers.comparison.runs import Run
from trainers.comparison.statistics import Interval, interval

MOST_POINTS = 40
"""Metrics of every step are averaged to so many points."""


@dataclass(frozen=True)
class Point:
    """``tokens``: response tokens sampled since the start of the stage, the mean of the runs."""

    tokens: float
    value: Interval


def curve(runs: Sequence[Run], metric: str) -> list[Point]:
    """A metric of the same algorithm's runs, from the first value that all of them have to the last."""
    each = [_thinned(run.points(metric)) for run in runs]
    length = min((len(points) for points in each), default=0)
    return [
        Point(sum(points[number][0] for points in each) / len(each), interval([points[number][1] for points in each]))
        for number in range(length)
    ]


def _thinned(points: list[tuple[int, float]]) -> list[tuple[float, float]]:
    """Means of equal parts where there are many points."""
    parts = min(len(points), MOST_POINTS)
    bounds = [len(points) * number // parts for number in range(parts + 1)] if parts else [0]
    return [
        (sum(t for t, _ in part) / len(part), sum(v for _, v in part) / len(part))
        for part in (points[start:end] for start, end in pairwise(bounds))
    ]
