from typing import Any

import pytest

from rewards.frontend.capture import Capture
from rewards.frontend.looks import HALF, METRICS, judge, stretched
from tests.unit.rewards.frontend.looks.drawing import WHITE, Drawing

SEA = (15.0, 114.0, 133.0, 1.0)
PALE = (238.0, 247.0, 248.0, 1.0)


def designed(width: int = 1280) -> Drawing:
    """A headline on a coloured band, and rows of three equal cards (one under another on a telephone)."""
    drawing = Drawing(width, 1800)
    margin = 100.0 if width > 500 else 24.0
    band = drawing.box(0, 0, width, 280, tag="header", background=SEA, colour=WHITE)
    drawing.paragraph("Find the leak", margin, 60, parent=band, tag="h1", size=40.0, line_height=48.0)
    drawing.paragraph("Clip a meter to the pipe", margin, 140, parent=band, size=20.0, line_height=30.0)
    white: dict[str, Any] = {"background": WHITE, "colour": SEA, "radius": 8.0}
    button = drawing.box(margin, 200, 160, 48, parent=band, tag="button", control=True, **white)
    drawing.text(button, "See how it works", x=margin + 16, y=212)
    across = 3 if width > 500 else 1
    grid = drawing.box(margin, 320, width - 2 * margin, 200 * (6 // across), display="grid")
    wide = (width - 2 * margin - 24 * (across - 1)) / across
    card_style: dict[str, Any] = {"background": PALE, "radius": 16.0, "padding": (24.0,) * 4}
    for index in range(6):
        x, y = margin + (wide + 24) * (index % across), 320 + 184 * (index // across)
        card = drawing.box(x, y, wide, 160, parent=grid, kind="div.card", **card_style)
        title: dict[str, Any] = {"tag": "h3", "size": 20.0, "line_height": 30.0}
        drawing.paragraph(f"Card number {index}", x + 24, y + 24, parent=card, **title)
        drawing.paragraph("Copper, steel or plastic pipe", x + 24, y + 80, parent=card)
    return drawing


def plain(width: int = 1280) -> Drawing:
    """The same words as a browser shows them when nobody has designed anything."""
    drawing = Drawing(width, 1800)
    times: dict[str, Any] = {"family": '"Times New Roman"', "line_height": 0.0}
    drawing.paragraph("Find the leak", 8, 20, tag="h1", size=32.0, **times)
    drawing.paragraph("Clip a meter to the pipe", 8, 80, **times)
    outset: dict[str, Any] = {"border": 2.0, "border_style": "outset", "size": 13.3}
    drawing.text(drawing.box(8, 110, 130, 21, tag="button", control=True, **outset), "See how it works")
    for index in range(6):
        drawing.paragraph(f"Card number {index}", 8, 150 + 80 * index, tag="h3", size=18.7, **times)
        drawing.paragraph("Copper, steel or plastic pipe", 8, 190 + 80 * index, **times)
    return drawing


def both(page: object) -> Capture:
    return Capture((page(1280).view(), page(390).view()))  # type: ignore[operator]


def test_a_design_is_high_and_the_browsers_look_low() -> None:
    assert judge(both(designed)).score > 0.8
    assert judge(both(plain)).score < 0.3


def test_parts_name_every_metric_and_are_shares() -> None:
    looks = judge(both(designed))
    assert set(looks.parts) == {*METRICS, "content"}
    assert all(0 <= part <= 1 for part in looks.parts.values())


def test_reasons_are_in_units_of_the_score_dearest_first() -> None:
    looks = judge(both(plain))
    costs = [reason.cost for reason in looks.reasons]
    assert costs == sorted(costs, reverse=True)
    assert 0.5 * (1 - looks.score) < sum(costs) <= 1 - looks.score + 1e-9
    assert {reason.viewport for reason in looks.reasons} <= {1280, 390}


def test_nothing_on_the_page_is_worth_nothing() -> None:
    assert judge(Capture(())).score == 0
    assert judge(Drawing().capture()).score < 0.05


def test_a_picture_of_a_page_is_not_a_page() -> None:
    drawing = Drawing()
    drawing.box(0, 0, 1280, 800, tag="img", background=SEA)
    assert judge(drawing.capture()).score < 0.2


def test_the_stretched_scale() -> None:
    assert stretched(0) == 1
    assert stretched(HALF) == pytest.approx(0.5)
    assert stretched(0.2) > 0.97
    assert stretched(2 * HALF) < 0.2


def test_one_great_fault_is_enough() -> None:
    """Marks that are averaged would forgive it: everything else about this page is as before."""
    drawing = designed()
    before = judge(drawing.capture()).score
    after = judge(Capture((drawing.view(page_width=2560.0),))).score
    assert after < 0.7 * before
