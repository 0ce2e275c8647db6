"""Dr.GRPO (arXiv 2503.20783): GRPO's ratio, summed over tokens and divided by a fixed length."""

from __future__ import annotations

from lpo.objectives.clip import Surrogate, clipped_surrogate
from lpo.objectives.inputs import TokenBatch
from lpo.objectives.ratio import grouped_ratio
from lpo.recipe.algorithm import DrGRPO


def surrogate(objective: DrGRPO, batch: TokenBatch) -> Surrogate:
    ratio = grouped_ratio(batch, "token")
    return clipped_surrogate(ratio, batch.advantages, objective.eps_low, objective.eps_high, objective.dual_clip)
