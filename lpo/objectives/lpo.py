"""LPO, linguistic-unit policy optimisation (arXiv 2510.22115): one ratio and one clip per sentence.

A sentence's surrogate counts once for each of its tokens, and the sum is divided by the tokens of the group: the
gradient of an unclipped token is r_s * A / tokens, whatever the length of its sentence.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lpo.objectives.clip import Surrogate, grouped_surrogate
from lpo.objectives.inputs import TokenBatch
from lpo.objectives.ratio import grouped_mean, grouped_ratio
from lpo.recipe.algorithm import LPO

_NO_ENTROPY = 1e-6


def surrogate(objective: LPO, batch: TokenBatch) -> Surrogate:
    ratio = grouped_ratio(batch, "segment")
    eps_low: float | Tensor = objective.eps_low
    eps_high: float | Tensor = objective.eps_high
    if objective.entropy_clip:
        width = entropy_width(batch, objective.entropy_clip)
        eps_low, eps_high = eps_low * width, eps_high * width
    return grouped_surrogate(ratio, eps_low, eps_high, objective, batch)


def entropy_width(batch: TokenBatch, strength: float) -> Tensor:
    """How much wider than usual each sentence's clip is (B, S), within 1 - strength and 1 + strength.

    After SSPO (arXiv 2511.04256), which widens the clip where a sentence's entropy is high and narrows it where it is
    low. Here entropy is measured against the mean of its own response, so that the width does not depend on which
    responses share a micro-batch.
    """
    if batch.entropy is None:
        raise ValueError(f"entropy is missing: entropy_clip={strength} needs the entropy of each token, (B, T)")
    sentence = grouped_mean(batch.entropy, batch, "segment")
    response = grouped_mean(batch.entropy, batch, "response")
    if not bool(torch.isfinite(response).all()):
        raise ValueError("entropy is not finite on a response token")
    # Where nothing is uncertain every sentence is like its response.
    width = torch.where(response > _NO_ENTROPY, sentence / response.clamp(min=_NO_ENTROPY), torch.ones_like(sentence))
    return width.clamp(1 - strength, 1 + strength)
