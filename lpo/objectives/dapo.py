"""DAPO (arXiv 2503.14476): GRPO's ratio with a higher upper clip, averaged over all tokens."""

from __future__ import annotations

from lpo.objectives.clip import Surrogate, clipped_surrogate
from lpo.objectives.inputs import TokenBatch
from lpo.objectives.ratio import grouped_ratio
from lpo.recipe.algorithm import DAPO


def surrogate(objective: DAPO, batch: TokenBatch) -> Surrogate:
    ratio = grouped_ratio(batch, "token")
    return clipped_surrogate(ratio, batch.advantages, objective.eps_low, objective.eps_high, objective.dual_clip)
