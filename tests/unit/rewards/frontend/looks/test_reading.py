import numpy as np
import pytest

from rewards.frontend.looks.reading import content_evidence, contrast_cost, legibility_cost
from rewards.frontend.looks.scene import Scene
from tests.unit.rewards.frontend.looks.drawing import WHITE, Drawing

SENTENCE = "Clip a meter to the pipe and see every litre as it flows."


def page(colour: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0), **style: object) -> Scene:
    drawing = Drawing()
    for row in range(6):
        drawing.paragraph(SENTENCE, 100, 100 + 80 * row, colour=colour, **style)
    return Scene(drawing.view())


def test_black_on_white_costs_nothing_in_contrast() -> None:
    assert contrast_cost(page()).amount == pytest.approx(0, abs=1e-9)


def test_fainter_text_costs_more_at_every_step() -> None:
    costs = [contrast_cost(page((grey, grey, grey, 1.0))).amount for grey in (0.0, 60.0, 100.0, 130.0, 170.0, 220.0)]
    assert costs == sorted(costs)
    assert len(set(costs)) == len(costs)


def test_invisible_text_costs_the_most_and_is_named() -> None:
    cost = contrast_cost(page(WHITE))
    # No contrast at all: the whole of 1.7, and the gentle slope's (1 + 0.15) * 0.35.
    assert cost.amount == pytest.approx(1.7 + 0.35 * 1.15)
    assert "hard to see" in cost.reasons[0].text
    assert cost.reasons[0].box is not None


def test_text_below_the_picture_is_judged_by_what_is_declared() -> None:
    drawing = Drawing()
    band = drawing.box(0, 900, 1280, 100, background=(118.0, 118.0, 118.0, 1.0))
    drawing.text(drawing.box(100, 920, 400, 24, parent=band, colour=WHITE), "white on grey, far down")
    (read,) = Scene(drawing.view(page_height=1000.0)).below
    assert read.contrast == pytest.approx(4.542, abs=1e-3)


def test_large_text_may_be_fainter() -> None:
    faint = (140.0, 140.0, 140.0, 1.0)  # 3.36 to 1: enough for large text only
    assert contrast_cost(page(faint, size=32.0)).amount < 0.5 * contrast_cost(page(faint)).amount


def test_tiny_text_costs_more_than_small_text() -> None:
    costs = [legibility_cost(page(size=size, line_height=1.5 * size)).amount for size in (16.0, 13.0, 11.0, 8.0, 6.0)]
    assert costs == sorted(costs)
    assert costs[0] < 0.05
    assert costs[-1] > 2


def test_a_line_of_two_hundred_characters_is_too_long() -> None:
    drawing = Drawing(width=2000)
    drawing.paragraph(SENTENCE * 4, 20, 100)
    cost = legibility_cost(Scene(drawing.view()))
    # (228 - 85) / 60 = 2.4, at most 1.5; 0.7 of it
    assert [reason.cost for reason in cost.reasons if "too long" in reason.text] == [pytest.approx(0.7 * 1.5)]


def test_evidence_is_what_can_be_seen() -> None:
    drawing = Drawing()
    drawing.paragraph("x" * 60, 100, 100)
    seen, cost = content_evidence(Scene(drawing.view()))
    assert seen == pytest.approx(1 - np.exp(-1))
    assert "hardly anything" in cost.reasons[0].text


@pytest.mark.parametrize(
    "hiding",
    [
        {"colour": WHITE},
        {"size": 4.0},
        {"opacity": 0.01},
    ],
    ids=["same colour", "tiny", "transparent"],
)
def test_stuffing_is_no_evidence(hiding: dict[str, object]) -> None:
    drawing = Drawing()
    drawing.paragraph("A title", 100, 40)
    bare, _ = content_evidence(Scene(drawing.view()))
    for row in range(8):
        drawing.paragraph(SENTENCE, 100, 100 + 80 * row, **hiding)
    stuffed, _ = content_evidence(Scene(drawing.view()))
    assert stuffed == pytest.approx(bare)


def test_text_off_the_page_is_no_evidence_and_costs() -> None:
    drawing = Drawing()
    drawing.paragraph(SENTENCE, 100, 40)
    bare, honest = content_evidence(Scene(drawing.view()))
    for row in range(8):
        drawing.text(drawing.box(-5000, 100 + 80 * row, 500, 24), SENTENCE, ink=False)
    stuffed, cost = content_evidence(Scene(drawing.view()))
    assert stuffed == pytest.approx(bare)
    assert cost.amount > honest.amount + 1


def test_the_same_words_again_and_again_are_not_more() -> None:
    amounts = []
    for words in (lambda row: f"{row} line of text number {row}", lambda row: "0 line of text number 0"):
        drawing = Drawing()
        for row in range(9):
            drawing.paragraph(words(row), 100, 40 + 80 * row)
        amounts.append(content_evidence(Scene(drawing.view()))[0])
    assert amounts[1] < amounts[0]


def test_disabled_controls_may_be_faint_but_not_invisible() -> None:
    faint = (185.0, 185.0, 185.0, 1.0)  # 1.96 on white
    assert contrast_cost(page(faint)).amount > 1
    assert contrast_cost(page(faint, inactive=True)).amount == 0
    assert contrast_cost(page(WHITE, inactive=True)).amount > 1
