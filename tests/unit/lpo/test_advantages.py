from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lpo.advantages import group_advantages, zero_variance_groups
from lpo.recipe.algorithm import AdvantageKind

KINDS: list[AdvantageKind] = ["group_norm", "group_mean", "leave_one_out"]


def test_by_hand() -> None:
    # Group 5: rewards 1, 0, 0, 1, mean 0.5, population std 0.5. Group 2: 3, 0, mean 1.5, std 1.5. Interleaved.
    rewards = torch.tensor([1.0, 3.0, 0.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    groups = torch.tensor([5, 2, 5, 5, 2, 5])
    first, second = 0.5 / (0.5 + 1e-6), 1.5 / (1.5 + 1e-6)
    assert group_advantages(rewards, groups).tolist() == pytest.approx([first, second, -first, -first, -second, first])
    mean = group_advantages(rewards, groups, "group_mean").tolist()
    assert mean == pytest.approx([0.5, 1.5, -0.5, -0.5, -1.5, 0.5])
    # Leave one out: 1 - (0 + 0 + 1) / 3 = 2/3; 3 - 0 = 3.
    left_out = group_advantages(rewards, groups, "leave_one_out").tolist()
    assert left_out == pytest.approx([2 / 3, 3, -2 / 3, -2 / 3, -3, 2 / 3])


@pytest.mark.parametrize("kind", KINDS)
def test_equal_rewards_give_exactly_zero_and_are_counted(kind: AdvantageKind) -> None:
    # The mean of three times 0.1 is not 0.1 in binary.
    rewards, groups = [0.1, 0.1, 0.1, 7.0, 1.0, 2.0], [0, 0, 0, 1, 2, 2]
    advantages = group_advantages(rewards, groups, kind)
    assert advantages[:4].tolist() == [0, 0, 0, 0]
    assert advantages[4] < 0 < advantages[5]
    assert zero_variance_groups(rewards, groups) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_an_invalid_response_is_as_if_it_were_not_there(kind: AdvantageKind) -> None:
    rewards = [1.0, None, 0.0, float("nan"), 0.5]
    advantages = group_advantages(rewards, [0] * 5, kind, valid=[True, False, True, False, True])
    expected = group_advantages([1.0, 0.0, 0.5], [0] * 3, kind)
    assert advantages[[0, 2, 4]].tolist() == expected.tolist()
    assert advantages[[1, 3]].tolist() == [0, 0]
    assert zero_variance_groups(rewards, [0] * 5, valid=[True, False, False, False, False]) == 1
    assert zero_variance_groups(rewards, [0] * 5, valid=[False] * 5) == 1


def test_types() -> None:
    assert group_advantages([1, 0], [0, 0]).dtype == torch.float32
    assert group_advantages(torch.tensor([1.0, 0.0], dtype=torch.float64), [0, 0]).dtype == torch.float64
    assert group_advantages(torch.tensor([1, 0]), torch.tensor([0, 0])).dtype == torch.float32
    assert group_advantages([], []).shape == (0,)
    assert zero_variance_groups([], []) == 0


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="reward of response 1 is nan; mark a reward that failed"):
        group_advantages([1.0, float("nan")], [0, 0])
    with pytest.raises(ValueError, match="reward of response 0 is inf"):
        group_advantages([float("inf"), 1.0], [0, 0])
    with pytest.raises(ValueError, match="valid holds something else"):
        group_advantages([1.0, 2.0], [0, 0], valid=torch.tensor([0.5, 1.0]))
    for kind in ("group_norm", "group_mean"):
        with pytest.raises(ValueError, match="advantage of response 0 overflows"):
            group_advantages([1.7e308, -1.7e308], [0, 0], kind)
    with pytest.raises(ValueError, match=r"must be \(B,\)"):
        group_advantages([1.0, 2.0], [0])
    with pytest.raises(ValueError, match="kind 'normal' is unknown"):
        group_advantages([1.0, 2.0], [0, 0], "normal")  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    rewards=st.lists(st.floats(-5, 5), min_size=1, max_size=12),
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 99),
    shift=st.floats(-3, 3),
)
def test_properties(rewards: list[float], kind: AdvantageKind, seed: int, shift: float) -> None:
    values = torch.tensor(rewards, dtype=torch.float64)
    groups = torch.randint(0, 3, values.shape, generator=torch.Generator().manual_seed(seed))
    advantages = group_advantages(values, groups, kind)
    for group in groups.unique():
        of_group = advantages[groups == group]
        assert abs(float(of_group.sum())) < 1e-6
        if kind == "group_norm":
            assert float(of_group.square().mean()) <= 1 + 1e-9
    # Order does not matter, nor does a constant (where it does not round two rewards into one).
    order = torch.randperm(len(values), generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(group_advantages(values[order], groups[order], kind), advantages[order])
    if kind == "group_mean":
        torch.testing.assert_close(group_advantages(values + shift, groups, kind), advantages, rtol=0, atol=1e-12)


def test_group_norm_of_a_large_spread_is_a_z_score() -> None:
    advantages = group_advantages([0.0, 10.0, 20.0], [0, 0, 0])
    # std = sqrt(200 / 3)
    assert advantages.tolist() == pytest.approx([-10 / math.sqrt(200 / 3), 0, 10 / math.sqrt(200 / 3)])
