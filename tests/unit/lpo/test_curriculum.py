"""The length reward by hand."""

import pytest

from lpo.curriculum import length_reward


def test_a_mixed_group():
    # lengths 10, 20, 30: p = 0.5, 0, -0.5; the wrong one in the middle gets min(0, 0)
    assert length_reward([10, 20, 30], [True, False, True], alpha=0.4) == pytest.approx([0.2, 0.0, -0.2])


def test_all_wrong_is_never_rewarded():
    assert length_reward([10, 30, 50], [False] * 3, alpha=0.5) == pytest.approx([0.0, 0.0, -0.25])


def test_equal_lengths_are_all_shortest():
    assert length_reward([7, 7], [True, False], alpha=0.5) == pytest.approx([0.25, 0.0])


@pytest.mark.parametrize("alpha", [0.1, 0.99])
def test_the_longest_right_answer_beats_the_shortest_wrong_one(alpha: float):
    right, wrong = length_reward([100, 1], [True, False], alpha)
    assert 1 + right > wrong


def test_nothing_to_reward():
    assert length_reward([], [], alpha=0.5) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([1], [True], 1.0), "alpha is 1.0"),
        (([1], [True], -0.1), "alpha is -0.1"),
        (([1, 2], [True], 0.5), "2 lengths and 1 verdicts"),
        (([-1], [True], 0.5), "lengths hold -1"),
    ],
)
def test_bad_input(arguments: tuple, said: str):
    with pytest.raises(ValueError, match=said):
        length_reward(*arguments)
