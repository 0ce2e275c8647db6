"""The length term and the composite reward, by hand."""

import pytest
import torch

from lpo.advantages import group_advantages
from lpo.curriculum import composite_rewards, length_reward


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


def totals(lengths: list[int], correct: list[bool], alpha: float, **terms) -> list[float]:
    marked = terms.pop("marked", [False] * len(lengths))
    return [each.total for each in composite_rewards(lengths, correct, marked, alpha, **terms)]


def test_the_composite_reward_of_a_mixed_group():
    # lengths 10, 20, 30, 40: p = 1/2, 1/6, -1/6, -1/2 and alpha 0.6
    #   right, 10:           1 + 0.6 x 1/2                = 1.3
    #   wrong, 20:           0 + 0.6 x min(1/6, 0)        = 0
    #   right, 30, <think>:  1 - 0.6 x 1/6 - 0.5          = 0.4
    #   wrong, 40:           0 - 0.6 x 1/2, task term 0.2 = -0.1
    composed = composite_rewards(
        [10, 20, 30, 40], [True, False, True, False], [False, False, True, False], 0.6, task=[0.0, 0.0, 0.0, 0.2]
    )
    assert [each.total for each in composed] == pytest.approx([1.3, 0.0, 0.4, -0.1])
    assert [each.correct for each in composed] == [1, 0, 1, 0]
    assert [each.length for each in composed] == pytest.approx([0.3, 0.0, -0.1, -0.3])
    assert [each.format for each in composed] == [0, 0, -0.5, 0]


def test_a_group_that_is_all_right():
    # p = 1/2, 0, -1/2 and alpha 0.8: the length is all that tells them apart
    assert totals([10, 15, 20], [True] * 3, 0.8) == pytest.approx([1.4, 1.0, 0.6])


def test_a_group_that_is_all_wrong():
    # Being short earns nothing; being long costs.
    assert totals([10, 15, 20], [False] * 3, 0.8) == pytest.approx([0.0, 0.0, -0.4])


@pytest.mark.parametrize(("right", "expected"), [(True, 1.2), (False, 0.0)])
def test_equal_lengths(right: bool, expected: float):
    # l = l_min = l_max: p = 0.5 - 0 / 1e-9
    assert totals([12, 12], [right, right], 0.4) == pytest.approx([expected, expected])


def test_without_alpha_only_right_and_format_are_left():
    assert totals([1, 9], [True, False], 0.0, marked=[False, True]) == pytest.approx([1.0, -0.5])


def test_a_marked_right_answer_still_beats_a_wrong_one():
    right, wrong = totals([90, 10], [True, False], 0.99, marked=[True, False])
    assert right == pytest.approx(1 - 0.495 - 0.5)
    assert right > wrong == 0


def test_beyond_its_limit_a_response_is_as_good_as_the_longest():
    # 12 of 10..30 has p = 0.4; a limit of 11 tokens makes it -0.5, and leaves the shortest alone
    assert length_reward([10, 12, 30], [True] * 3, 0.5) == pytest.approx([0.25, 0.2, -0.25])
    assert length_reward([10, 12, 30], [True] * 3, 0.5, limit=11) == pytest.approx([0.25, -0.25, -0.25])


def advantages(alpha: float, kind: str, correct: list[bool]) -> list[float]:
    rewards = totals([10, 15, 20, 40], correct, alpha)
    return group_advantages(torch.tensor(rewards, dtype=torch.float64), [0] * 4, kind).tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize("right", [True, False])
def test_division_by_the_std_cancels_alpha_where_all_agree(right: bool):
    # Only the guard of 1e-6 under the std keeps the two from being equal.
    weak, strong = (advantages(alpha, "group_norm", [right] * 4) for alpha in (0.1, 0.9))
    assert weak == pytest.approx(strong, rel=1e-3)
    assert max(strong) > 0.5


def test_subtracting_the_mean_keeps_alpha_where_all_agree():
    # p = 1/2, 1/3, 1/6, -1/2; their mean is 1/8: 0.9 x (3/8, 5/24, 1/24, -5/8)
    assert advantages(0.9, "group_mean", [True] * 4) == pytest.approx([0.3375, 0.1875, 0.0375, -0.5625])
    weak = advantages(0.1, "group_mean", [True] * 4)
    assert [9 * each for each in weak] == pytest.approx([0.3375, 0.1875, 0.0375, -0.5625])


def test_in_a_mixed_group_alpha_counts_under_both():
    mixed = [True, False, True, False]
    for kind in ("group_norm", "group_mean"):
        assert advantages(0.1, kind, mixed) != pytest.approx(advantages(0.9, kind, mixed), rel=0.05)


def test_sequences_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="2 lengths, 1 marks and 2 task terms"):
        composite_rewards([1, 2], [True, True], [False], 0.5)
