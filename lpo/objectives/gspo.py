"""GSPO (arXiv 2507.18071): one ratio and one clip per response."""

from __future__ import annotations

from lpo.objectives.clip import Surrogate, grouped_surrogate
from lpo.objectives.inputs import TokenBatch
from lpo.objectives.ratio import grouped_ratio
from lpo.recipe.algorithm import GSPO


def surrogate(objective: GSPO, batch: TokenBatch) -> Surrogate:
    ratio = grouped_ratio(batch, "response")
    return grouped_surrogate(ratio, objective.eps_low, objective.eps_high, objective, batch)
