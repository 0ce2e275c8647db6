"""GSPO-token (arXiv 2507.18071): the response's ratio as a value, each token's own gradient.

The ratio is sg[r] * pi_theta / sg[pi_theta]. With one advantage a response, value and clip are GSPO's and so is the
gradient; it differs where advantages vary within a response.
"""

from __future__ import annotations

from lpo.objectives.clip import Surrogate, clipped_surrogate
from lpo.objectives.inputs import TokenBatch
from lpo.objectives.ratio import bounded_exp, grouped_mean
from lpo.recipe.algorithm import GSPOToken


def surrogate(objective: GSPOToken, batch: TokenBatch) -> Surrogate:
    response = grouped_mean(batch.log_ratio.detach(), batch, "response")
    ratio = bounded_exp(response + (batch.logp - batch.logp.detach()))
    return clipped_surrogate(ratio, batch.advantages, objective.eps_low, objective.eps_high, objective.dual_clip)
