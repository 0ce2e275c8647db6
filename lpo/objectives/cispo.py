"""CISPO (arXiv 2506.13585): the importance weight is capped and detached, so every token keeps a gradient."""

from __future__ import annotations

import torch

from lpo.objectives.clip import Surrogate
from lpo.objectives.inputs import TokenBatch
from lpo.objectives.ratio import grouped_ratio
from lpo.recipe.algorithm import CISPO


def surrogate(objective: CISPO, batch: TokenBatch) -> Surrogate:
    ratio = grouped_ratio(batch, "token").detach()
    term = ratio.clamp(max=objective.upper_bound) * batch.advantages * batch.logp
    capped = (ratio > objective.upper_bound) & (batch.advantages != 0)
    return Surrogate(term, ratio, clipped_low=torch.zeros_like(capped), clipped_high=capped)
