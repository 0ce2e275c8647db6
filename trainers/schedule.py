"""The learning rate as a pure function of the step, so that resuming needs no state."""

from __future__ import annotations

import math

from lpo.recipe.runtime import Optimizer


def learning_rate(optimizer: Optimizer, step: int, steps: int) -> float:
    """The rate of optimiser step ``step`` (from 0) of ``steps``.

    Linear warm-up reaches the full rate after ``warmup_steps`` steps; then it is constant, or falls to ``min_ratio`` of
    it at the last step.
    """
    if step < optimizer.warmup_steps:
        return optimizer.learning_rate * (step + 1) / (optimizer.warmup_steps + 1)
    if optimizer.schedule == "constant":
        return optimizer.learning_rate
    progress = (step - optimizer.warmup_steps) / max(1, steps - 1 - optimizer.warmup_steps)
    remaining = 1.0 - progress if optimizer.schedule == "linear" else (1.0 + math.cos(math.pi * progress)) / 2.0
    return optimizer.learning_rate * (optimizer.min_ratio + (1.0 - optimizer.min_ratio) * remaining)
