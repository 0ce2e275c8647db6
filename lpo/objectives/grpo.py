"""GRPO (arXiv 2402.03300): one ratio and one clip per token, averaged over tokens, then over responses."""

from __future__ import annotations

from lpo.objectives.clip import Surrogate, clipped_surrogate
from lpo.objectives.inputs import TokenBatch
from lpo.objectives.ratio import grouped_ratio
from lpo.recipe.algorithm import GRPO


def surrogate(objective: GRPO, batch: TokenBatch) -> Surrogate:
    ratio = grouped_ratio(batch, "token")
    return clipped_surrogate(ratio, batch.advantages, objective.eps_low, objective.eps_high, objective.dual_clip)
