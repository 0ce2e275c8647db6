"""DAPO's soft overlong penalty by hand."""

import pytest

from lpo.recipe.runtime import RewardSpec
from rewards.length import soft_overlong
from rewards.resolver import resolve


def test_nothing_then_a_slope_then_all():
    ids = [[0] * n for n in (0, 6, 7, 8, 10, 12)]
    # max 10, buffer 4: free up to 6; (6 - 7) / 4, (6 - 8) / 4, -1 at 10, -1 beyond
    assert soft_overlong(ids, max_tokens=10, buffer=4) == [0.0, 0.0, -0.25, -0.5, -1.0, -1.0]


def test_it_is_shipped():
    reward = resolve(RewardSpec(reward="soft_overlong", weight=0.5, params={"max_tokens": 10, "buffer": 4}))
    assert reward(completion_ids=[[0] * 8], responses=["x"]) == [-0.5]


def test_a_buffer_without_room():
    with pytest.raises(ValueError, match="buffer is 11"):
        soft_overlong([[0]], max_tokens=10, buffer=11)
