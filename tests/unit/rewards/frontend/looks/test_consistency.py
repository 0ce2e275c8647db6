from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from rewards.frontend.looks.consistency import default_cost, ornament_cost, sibling_cost, spacing_cost, type_cost
from rewards.frontend.looks.scene import Cost, Scene
from tests.unit.rewards.frontend.looks.drawing import Drawing

PALE = (240.0, 240.0, 250.0, 1.0)


def cards(
    change: Callable[[int], dict[str, object]] = lambda index: {}, gap: Callable[[int], float] = lambda index: 24.0
) -> Scene:
    """Eight cards of one class under one another, each with a title and a line; `change` alters the card's box."""
    drawing = Drawing(height=1400)
    y = 40.0
    for index in range(8):
        style: dict[str, object] = {"background": PALE, "radius": 8.0, "padding": (16.0,) * 4, **change(index)}
        text = {key: style[key] for key in ("size", "family", "colour") if key in style}
        card = drawing.box(100, y, 600, 100, kind="div.card", **style)
        drawing.paragraph("A title", 116, y + 12, parent=card, tag="h3", **{"size": 20.0, **text})
        drawing.paragraph("One line of text below it", 116, y + 56, parent=card, **text)
        y += 100 + gap(index)
    return Scene(drawing.view())


def assert_rises(metric: Callable[[Scene], Cost], *scenes: Scene) -> None:
    costs = [metric(scene).amount for scene in scenes]
    assert all(a < b for a, b in pairwise(costs)), costs


def only(indices: set[int], **style: object) -> Callable[[int], dict[str, object]]:
    return lambda index: style if index in indices else {}


def test_equal_cards_cost_nothing() -> None:
    scene = cards()
    for metric in (sibling_cost, spacing_cost, ornament_cost, type_cost):
        assert metric(scene).amount == pytest.approx(0, abs=0.02), metric.__name__


@pytest.mark.parametrize(
    "style",
    [
        {"size": 23.0},
        {"family": "Papyrus, fantasy"},
        {"colour": (200.0, 0.0, 0.0, 1.0)},
        {"background": (0.0, 200.0, 0.0, 1.0)},
        {"radius": 30.0},
        {"shadow": "0 0 9px red"},
        {"padding": (3.0, 9.0, 1.0, 0.0)},
    ],
    ids=lambda style: next(iter(style)),
)
def test_cards_that_differ_cost_by_how_many_do(style: dict[str, object]) -> None:
    assert_rises(sibling_cost, cards(), cards(only({3}, **style)), cards(only({1, 3, 6}, **style)))


def test_unequal_gaps_cost() -> None:
    assert_rises(
        spacing_cost,
        cards(),
        cards(gap=lambda index: 31.0 if index == 2 else 24.0),
        cards(gap=lambda index: 24.0 + 7 * (index % 4)),
    )


def test_a_mix_of_families_costs() -> None:
    families = ["Inter", "Georgia", "Impact", "Papyrus"]
    assert_rises(type_cost, *(cards(lambda index, n=n: {"family": families[index % n]}) for n in (1, 2, 3, 4)))


def test_many_sizes_cost() -> None:
    assert_rises(type_cost, cards(), cards(lambda index: {"size": 13.3 + 1.7 * index}))


def test_radii_and_shadows_without_a_rule_cost() -> None:
    assert_rises(
        ornament_cost,
        cards(),
        cards(only({2}, radius=13.0, shadow="1px 2px 3px #000")),
        cards(lambda index: {"radius": 3.0 * index + 1, "shadow": f"{index}px 0 9px #000"}),
    )


def test_the_look_of_the_browser_is_told_from_a_design() -> None:
    blue = (0.0, 0.0, 238.0, 1.0)
    drawing = Drawing()
    drawing.boxes[0] = replace(drawing.boxes[0], margin=(8.0,) * 4, background=(0.0, 0.0, 0.0, 0.0))
    for row in range(8):
        drawing.paragraph("Plain words", 8, 20 + 40 * row, family='"Times New Roman"')
    link = drawing.box(8, 400, 88, 18, tag="a", display="inline", control=True, colour=blue, decoration="underline")
    drawing.text(link, "A link")
    button = drawing.box(8, 440, 60, 21, tag="button", control=True, border=2.0, border_style="outset", family="Arial")
    drawing.text(button, "Send")
    assert default_cost(Scene(drawing.view())).amount > 2
    assert default_cost(cards()).amount < 0.3
