import pytest

from rewards.frontend.looks.placement import alignment_cost, overflow_cost, overlap_cost, room_cost, touch_cost
from rewards.frontend.looks.scene import Scene
from tests.unit.rewards.frontend.looks.drawing import Drawing

GREY = (230.0, 230.0, 230.0, 1.0)


def stack(*offsets: float, step: float = 60) -> Drawing:
    """Paragraphs under one another, each moved to the right by an offset; all of one width."""
    drawing = Drawing()
    for row, offset in enumerate(offsets):
        drawing.paragraph("Eight words of text in one short line", 100 + offset, 100 + step * row)
    return drawing


def test_a_tidy_stack_costs_nothing() -> None:
    scene = Scene(stack(0, 0, 0, 0, 0, 0, 0).view())
    for metric in (overlap_cost, overflow_cost, alignment_cost, room_cost):
        assert metric(scene).amount == pytest.approx(0, abs=0.05), metric.__name__


def test_text_over_text_costs_by_how_much_of_it_does() -> None:
    costs = [overlap_cost(Scene(stack(0, 0, 0, 0, 0, 0, step=step).view())).amount for step in (60, 11, 6)]
    assert costs[0] == 0
    assert 0 < costs[1] < costs[2]


def test_absolutely_placed_boxes_are_meant_to_overlap_but_not_to_cover_text() -> None:
    drawing = stack(0, 0, 0)
    drawing.box(700, 100, 40, 20, position="absolute", background=GREY)
    assert overlap_cost(Scene(drawing.view())).amount == 0
    drawing.box(110, 100, 40, 20, position="absolute", background=GREY)
    assert "stuck over" in overlap_cost(Scene(drawing.view())).reasons[0].text


def test_a_page_that_scrolls_sideways_costs_by_its_excess() -> None:
    drawing = stack(0, 0, 0)
    # 0.25 at once, and 1.2 times the excess of a half
    assert overflow_cost(Scene(drawing.view(page_width=1920.0))).amount == pytest.approx(0.25 + 1.2 * 0.5)


def test_what_sticks_out_of_its_parent_costs_unless_that_scrolls() -> None:
    costs = []
    for overflow in ("visible", "auto"):
        drawing = Drawing()
        parent = drawing.box(100, 100, 400, 200, overflow=overflow)
        child = drawing.box(100, 100, 600, 100, parent=parent)
        drawing.text(child, "wide")
        costs.append(overflow_cost(Scene(drawing.view())).amount)
    assert costs[0] > 0.3
    assert costs[1] == 0


def test_text_that_a_box_cuts_off_costs() -> None:
    drawing = Drawing()
    drawing.text(drawing.box(100, 100, 100, 24, overflow="hidden"), "half of this is missing", left=0.5)
    cost = overflow_cost(Scene(drawing.view()))
    assert cost.amount == pytest.approx(1.6)  # all characters are on a line of which half is cut
    assert "cut off" in cost.reasons[0].text


def test_misalignment_costs_more_the_more_and_the_farther() -> None:
    offsets = [(0,) * 8, (0, 0, 0, 9, 0, 0, 0, 0), (0, 13, 0, 9, 0, 4, 0, 0), (0, 33, 5, 29, 2, 44, 8, 17)]
    costs = [alignment_cost(Scene(stack(*row).view())).amount for row in offsets]
    assert costs == sorted(costs)
    assert len(set(costs)) == 4


def test_a_centred_stack_is_aligned() -> None:
    drawing = Drawing()
    for row, width in enumerate((400, 300, 500, 200, 340, 260)):
        place = drawing.box(640 - width / 2, 100 + 60 * row, width, 24)
        drawing.text(place, "middle", x=640 - 24)
    assert alignment_cost(Scene(drawing.view())).amount < 0.35


def test_text_at_the_edge_of_the_window_costs() -> None:
    drawing = Drawing()
    drawing.paragraph("stuck to the left", 0, 100)
    assert room_cost(Scene(drawing.view())).amount == pytest.approx(1.1)


def test_a_telephone_wants_targets_for_a_finger() -> None:
    costs = []
    for size in (12.0, 30.0, 44.0):
        drawing = Drawing(width=390, height=844)
        drawing.text(drawing.box(20, 20, 200, size, tag="button", control=True), "Go")
        costs.append(touch_cost(Scene(drawing.view())).amount)
    # 12 px: (24 - 12) / 12 = 1 of 0.4, and (40 - 12) / 16, at most 1, of 0.1
    assert costs == [pytest.approx(0.5), pytest.approx(0.1 * 10 / 16), 0]
