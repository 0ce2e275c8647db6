"""The saved rollouts as one HTML page that needs nothing else: styles and script are in it, no file or address is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from trainers.inspection.saved import Piece, SavedResponse
from trainers.inspection.visible import visible
from trainers.pages import environment

CLIP_MARKS = {"low": "▼", "high": "▲", "dual": "◆"}
CLIP_WORDS = {
    "low": "clipped at the lower bound",
    "high": "clipped at the upper bound",
    "dual": "clipped at the dual bound",
}


def render_page(name: str, responses: Sequence[SavedResponse], *, note: str = "") -> str:
    """HTML of the page.

    Args:
        name: the run's.
        responses: in the order of the run.
        note: what was left out, for the head of the page.
    """
    jinja = environment()
    jinja.filters |= {"visible": visible, "number": number, "plain": plain}
    jinja.globals |= {"tip": tip, "shade": shade, "marks": CLIP_MARKS}
    source = (Path(__file__).parent / "page.html.jinja").read_text(encoding="utf-8")
    groups = [list(items) for _, items in groupby(responses, key=lambda each: (each.step, each.stage, each.group))]
    steps = sorted({each.step for each in responses})
    stages = list(dict.fromkeys((each.stage, each.bounds) for each in responses))
    return jinja.from_string(source).render(
        name=name, groups=groups, steps=steps, stages=stages, note=note, count=len(responses)
    )


def number(value: Any, digits: int = 3) -> str:
    """A number for people; a dash where there is none."""
    return "–" if value is None else f"{float(value):.{digits}f}"


def plain(value: Any) -> str:
    """Any value that a reward left with a response, as text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def shade(response: SavedResponse, piece: Piece) -> str:
    """The style of a piece: blue where it got less likely, orange where more, the fuller the farther from 1."""
    if piece.ratio is None:
        return ""
    strength = response.bounds.strength(piece.ratio)
    return f"--{'more' if strength > 0 else 'less'}:{abs(strength):.2f}"


def tip(response: SavedResponse, piece: Piece) -> str:
    """One line about a piece."""
    if piece.ratio is None:
        ratio = response.why_not_recorded or "ratio not recorded"
    else:
        ratio = f"ratio {piece.ratio:.4f}" + (
            " of the whole response" if response.row.get("grain") == "response" else ""
        )
    parts = [ratio, CLIP_WORDS.get(piece.clip, "not clipped" if piece.ratio is not None else "")]
    parts += [f"advantage {response.advantage:+.3f}", f"{piece.tokens} token{'s' * (piece.tokens != 1)}"]
    return " · ".join([f"sentence {piece.sentence + 1}", *filter(None, parts)])
