import numpy as np
import pytest

from rewards.frontend.looks.colour import colourfulness, harmony_cost, harmony_distance
from rewards.frontend.looks.scene import Scene
from tests.unit.rewards.frontend.looks.drawing import Drawing


def test_a_flat_grey_picture_has_no_colourfulness() -> None:
    assert colourfulness(np.full((4, 4, 3), 77)) == 0


def test_colourfulness_of_red_beside_blue() -> None:
    # rg: 255 and 0, mean 127.5, deviation 127.5; yb: 127.5 and -255, mean -63.75, deviation 191.25
    picture = np.array([[(255, 0, 0), (0, 0, 255)]])
    expected = np.hypot(127.5, 191.25) + 0.3 * np.hypot(127.5, 63.75)
    assert colourfulness(picture) == pytest.approx(expected, rel=1e-5)


def test_a_flat_colour_counts_by_its_mean_alone() -> None:
    # rg = 255, yb = 127.5, no deviation
    assert colourfulness(np.full((3, 3, 3), (255, 0, 0))) == pytest.approx(0.3 * np.hypot(255, 127.5), rel=1e-5)


def test_one_hue_and_opposite_hues_are_in_harmony_and_three_spread_ones_are_not() -> None:
    one = harmony_distance(np.array([200.0, 205.0]), np.ones(2))
    opposite = harmony_distance(np.array([20.0, 200.0]), np.ones(2))
    spread = harmony_distance(np.array([0.0, 60.0, 130.0, 190.0, 250.0, 310.0]), np.ones(6))
    assert one == pytest.approx(0.01 * 18)  # inside the narrowest sector; its width costs a hundredth
    assert opposite == pytest.approx(0.01 * 36)
    assert spread > 5


def test_turning_all_hues_changes_nothing() -> None:
    hues, weight = np.array([12.0, 97.0, 203.0]), np.array([1.0, 2.0, 1.0])
    assert harmony_distance((hues + 120) % 360, weight) == pytest.approx(harmony_distance(hues, weight))


def test_more_hues_cost_more() -> None:
    palette: list[tuple[float, ...]] = [
        (20.0, 90.0, 200.0, 1.0),
        (200.0, 40.0, 40.0, 1.0),
        (30.0, 160.0, 60.0, 1.0),
        (200.0, 30.0, 180.0, 1.0),
    ]
    costs = []
    for number in range(1, 5):
        drawing = Drawing()
        for index in range(12):
            drawing.box(40, 20 + 60 * index, 300, 40, background=palette[index % number])
        costs.append(harmony_cost(Scene(drawing.view())).amount)
    assert costs == sorted(costs)
    assert costs[-1] > costs[0] + 0.1
