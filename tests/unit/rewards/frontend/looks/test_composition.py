from itertools import pairwise

import numpy as np
import pytest

from rewards.frontend.looks.composition import clutter_cost, layout_cost, side_by_side, space_cost
from rewards.frontend.looks.scene import Scene
from tests.unit.rewards.frontend.looks.drawing import Drawing

RED = (200.0, 0.0, 0.0, 1.0)
SENTENCE = "Clip a meter to the pipe and see every litre as it flows."


def columns(number: int, x: float = 100, width: float = 1080, rows: int = 8) -> Drawing:
    drawing = Drawing()
    for row in range(rows):
        for column in range(number):
            left = x + column * width / number
            place = drawing.box(left, 40 + 90 * row, width / number - 24, 48)
            drawing.text(place, SENTENCE[: int((width / number - 80) / 8)])
    return drawing


def test_an_empty_page_has_no_busy_cell() -> None:
    assert not Scene(Drawing().view()).busy.any()


def test_a_cell_is_busy_where_something_is_painted() -> None:
    drawing = Drawing()
    drawing.paint(164, 324, 8, 8, RED)
    rows, places = np.nonzero(Scene(drawing.view()).busy)
    assert (rows.tolist(), places.tolist()) == ([20], [10])  # 324 / 16 and 164 / 16


def test_a_page_to_one_side_leans() -> None:
    left, both = Scene(columns(1, x=20, width=400).view()), Scene(columns(2).view())
    assert space_cost(left).amount > space_cost(both).amount + 0.1
    assert any("leans" in reason.text for reason in space_cost(left).reasons)


def test_a_document_without_a_layout_costs_more_than_columns() -> None:
    document = columns(1, x=8, width=1264)
    assert layout_cost(Scene(document.view())).amount > layout_cost(Scene(columns(3).view())).amount + 0.5


def test_one_narrow_column_in_the_middle_is_a_layout() -> None:
    article = Scene(columns(1, x=400, width=504).view())
    document = Scene(columns(1, x=8, width=504).view())
    assert layout_cost(article).amount < 0.3 * layout_cost(document).amount


def test_badges_are_clutter() -> None:
    costs = []
    for number in (0, 8, 20, 50):
        drawing = columns(2)
        for index in range(number):
            drawing.box(37 * index % 1200, 91 * index % 760, 50, 22, position="absolute", background=RED, border=2.0)
        costs.append(clutter_cost(Scene(drawing.view())).amount)
    assert all(a < b for a, b in pairwise(costs))


def test_a_stack_costs_a_telephone_little() -> None:
    drawing = Drawing(width=390, height=844)
    drawing.paragraph(SENTENCE, 16, 20)
    assert layout_cost(Scene(drawing.view())).amount == pytest.approx(0.12)


def test_side_by_side_is_a_share_of_the_smallest_boxes() -> None:
    drawing = columns(2, rows=3)
    drawing.text(drawing.box(100, 400, 600, 30), "a row of its own")
    drawing.text(drawing.box(100, 500, 600, 30), "another one")
    assert side_by_side(Scene(drawing.view())) == pytest.approx(6 / 8)


def test_a_picture_larger_than_the_window_costs() -> None:
    small, huge = columns(2), columns(2)
    small.box(100, 700, 200, 60, tag="img")
    huge.box(100, 700, 1100, 700, tag="img")
    reasons = [reason.text for reason in layout_cost(Scene(huge.view())).reasons]
    assert "a picture larger than the window" in reasons
    assert layout_cost(Scene(small.view())).amount < layout_cost(Scene(huge.view())).amount
