"""Learning rates worked out by hand."""

import pytest

from lpo.recipe.runtime import Optimizer
from trainers.schedule import learning_rate


def rates(steps: int, **fields) -> list[float]:
    optimizer = Optimizer(learning_rate=1.0, **fields)
    return [learning_rate(optimizer, step, steps) for step in range(steps)]


def test_warm_up_then_constant():
    assert rates(5, warmup_steps=3) == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_linear_reaches_its_floor_at_the_last_step():
    # 1 - u (1 - 0.2) at u = 0, 1/4, 1/2, 3/4, 1
    assert rates(5, schedule="linear", min_ratio=0.2) == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])


def test_cosine_is_half_way_at_half_time():
    # (1 + cos(pi u)) / 2 at u = 0, 1/2, 1
    assert rates(3, schedule="cosine") == pytest.approx([1.0, 0.5, 0.0])


def test_a_single_step_has_the_full_rate():
    assert rates(1, schedule="cosine") == [1.0]
