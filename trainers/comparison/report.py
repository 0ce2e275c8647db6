"""A comparison for people: a table in the terminal, a picture, and a page for a browser that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainers.comparison.series import Point, curve
from trainers.comparison.statistics import Interval
from trainers.comparison.summary import CLIPPED, VALIDATION, Comparison, Row
from trainers.figures import GREY, SERIES, new_figure, save, style
from trainers.pages import environment

if TYPE_CHECKING:
    from rich.console import RenderableType

PANELS = (
    ("Held-out accuracy", VALIDATION),
    ("Mean response tokens, held out", "eval/mean_tokens"),
    ("Clip fraction", "policy/clip_fraction"),
    ("Largest ratio", "policy/ratio_max"),
)


def table(comparison: Comparison) -> RenderableType:
    """What a terminal shows."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    def columns(title: str, names: Sequence[str], lines: Iterable[Sequence[str]]) -> Table:
        made = Table(box=None, pad_edge=False, title=title, title_justify="left", title_style="bold")
        for number, name in enumerate(names):
            made.add_column(name, justify="right" if number else "left", overflow="fold")
        for line in lines:
            made.add_row(*line)
        return made

    # In two parts, so that each fits a terminal of 80 columns.
    names, lines = header(comparison), [cells(row) for row in comparison.rows]
    parts: list[Any] = [
        columns(_title(comparison), names[:CLIPS_FROM], [line[:CLIPS_FROM] for line in lines]),
        "",
        columns(
            "Clips and ratios, means over the run",
            [names[0], *names[CLIPS_FROM:]],
            [[line[0], *line[CLIPS_FROM:]] for line in lines],
        ),
    ]
    if comparison.dropped:
        parts += ["", "Worse on the validation questions than the variant above:"]
        parts += [f"  {row.label}: {row.accuracy}" for row in comparison.dropped]
    if comparison.tests:
        parts += ["", columns("Differences, paired by seed", TEST_HEADER, difference_lines(comparison))]
    parts += [Text(f"warning: {warning}", style="yellow") for warning in comparison.warnings]
    return Group(*parts)


CLIPS_FROM = 6
"""The first column of the main table that is about clips."""


def header(comparison: Comparison) -> list[str]:
    goal = f"{comparison.target:.1%}"
    accuracy = "accuracy" if comparison.metric == VALIDATION else "test accuracy"
    return [
        "algorithm", "seeds", accuracy, "response tokens", f"tokens to {goal}", f"minutes to {goal}", "clipped",
        "low", "high", "largest ratio",
    ]  # fmt: skip


def cells(row: Row) -> list[str]:
    """A line of the main table."""
    seeds = f"{len(row.seeds)}" + (f" ({row.unfinished} unfinished)" if row.unfinished else "")
    missed = f" ({row.reached} of {len(row.seeds)})" if row.reached < len(row.seeds) else ""
    shares = [_share(row.why.get(name)) for name in CLIPPED]
    ratio = row.why.get("policy/ratio_max")
    return [
        row.label,
        seeds,
        str(row.accuracy),
        _plain(row.response_tokens, 1),
        "never" if row.tokens_to is None else _plain(row.tokens_to, 0) + missed,
        "never" if row.minutes_to is None else _plain(row.minutes_to, 1) + missed,
        *shares,
        "–" if ratio is None else f"{ratio:.3f}",
    ]


TEST_HEADER = ("pair", "seeds", "difference", "p (t test)", "p (sign flips)", "p (Holm)")


def difference_lines(comparison: Comparison) -> list[list[str]]:
    """Lines of the table of differences, in points."""
    return [
        [
            f"{test.first} − {test.second}",
            str(test.seeds),
            f"{100 * test.difference:+.1f}",
            *(_p(value) for value in (test.p_t, test.p_permutation, test.p_holm)),
        ]
        for test in comparison.tests
    ]


def draw(comparison: Comparison, file: Path) -> Path:
    """The curves as a PNG: means over seeds with 95% bands, against response tokens."""
    figure = new_figure(11, 7.2)
    figure.suptitle(_title(comparison), x=0.012, ha="left", fontsize=12, fontweight="bold")
    for axis, (label, metric) in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
        style(axis, label)
        axis.set_xlabel("response tokens sampled")
        for number, row in enumerate(comparison.rows):
            points = _curve_of(comparison, row, metric)
            if not points:
                continue
            x, y = [point.tokens for point in points], [point.value.mean for point in points]
            colour = SERIES[number % len(SERIES)]
            axis.plot(x, y, color=colour, linewidth=1.8, label=row.label)
            low, high = _band(points)
            axis.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        if metric == VALIDATION:
            axis.axhline(comparison.target, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
            axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
            axis.legend(frameon=False, fontsize=9)
    return save(figure, file)


def page(comparison: Comparison, name: str) -> str:
    """The same as one HTML page: no other file, no address, light and dark."""
    source = (Path(__file__).parent / "page.html.jinja").read_text(encoding="utf-8")
    charts = [_chart(comparison, label, metric) for label, metric in PANELS]
    return (
        environment()
        .from_string(source)
        .render(
            name=name,
            title=_title(comparison),
            comparison=comparison,
            header=header(comparison),
            rows=[(SERIES[i % len(SERIES)], cells(row)) for i, row in enumerate(comparison.rows)],
            dropped=[(row.label, str(row.accuracy)) for row in comparison.dropped],
            test_header=TEST_HEADER,
            tests=difference_lines(comparison),
            charts=[chart for chart in charts if chart["lines"]],
        )
    )


WIDTH, HEIGHT, LEFT, BOTTOM = 520, 260, 46, 30


def _chart(comparison: Comparison, label: str, metric: str) -> dict[str, Any]:
    """Lines and ticks in the units of an SVG of ``WIDTH`` x ``HEIGHT``."""
    curves = [
        (row.label, SERIES[number % len(SERIES)], points)
        for number, row in enumerate(comparison.rows)
        if (points := _curve_of(comparison, row, metric))
    ]
    if not curves:
        return {"label": label, "lines": []}
    most = max(point.tokens for _, _, points in curves for point in points) or 1.0
    bands = [_band(points) for _, _, points in curves]
    bottom, top = min(min(low) for low, _ in bands), max(max(high) for _, high in bands)
    if bottom >= 0 and bottom < 0.6 * top:
        bottom = 0.0
    span = (top - bottom) or 1.0

    def place(tokens: float, value: float) -> str:
        x = LEFT + tokens / most * (WIDTH - LEFT - 8)
        return f"{x:.1f},{HEIGHT - BOTTOM - (value - bottom) / span * (HEIGHT - BOTTOM - 10):.1f}"

    lines = []
    for (name, colour, points), (low, high) in zip(curves, bands, strict=True):
        tokens = [point.tokens for point in points]
        there = [place(t, v) for t, v in zip(tokens, high, strict=True)]
        back = [place(t, v) for t, v in zip(reversed(tokens), reversed(low), strict=True)]
        line = [place(point.tokens, point.value.mean) for point in points]
        lines.append({"name": name, "colour": colour, "line": " ".join(line), "band": " ".join(there + back)})
    values = [bottom + span * part / 4 for part in range(5)]
    as_text = (lambda v: f"{v:.0%}") if metric == VALIDATION else (lambda v: f"{v:.2g}" if abs(v) < 1 else f"{v:.3g}")
    return {
        "label": label,
        "lines": lines,
        "ticks": [{"y": float(place(0, value).split(",")[1]), "text": as_text(value)} for value in values],
        "most": f"{most:,.0f}",
    }


def _curve_of(comparison: Comparison, row: Row, metric: str) -> list[Point]:
    return curve([run for run in comparison.runs if run.label == row.label], metric)


def _band(points: list[Point]) -> tuple[list[float], list[float]]:
    halves = [point.value.half_width or 0.0 for point in points]
    low = [point.value.mean - half for point, half in zip(points, halves, strict=True)]
    high = [point.value.mean + half for point, half in zip(points, halves, strict=True)]
    return low, high


def _title(comparison: Comparison) -> str:
    judged = "test questions" if comparison.metric != VALIDATION else "held-out questions"
    return f"Accuracy on {judged} after {comparison.tokens:,} response tokens; means over seeds with 95% intervals"


def _plain(value: Interval, digits: int) -> str:
    half = f" ± {value.half_width:,.{digits}f}" if value.half_width is not None else ""
    return f"{value.mean:,.{digits}f}{half}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def _p(value: float) -> str:
    return "–" if math.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"
