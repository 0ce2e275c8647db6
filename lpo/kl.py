"""Divergence from a reference policy, estimated on sampled tokens. Needs no import of torch, so recipes can use it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Estimator = Literal["k1", "k2", "k3"]
_STEEPEST = 20.0


def kl_estimate(estimator: Estimator, logp: Tensor, ref_logp: Tensor) -> Tensor:
    """KL(pi_theta, pi_ref) of each token, in nats, the shape of ``logp``; the reference carries no gradient.

    With d = log pi_theta - log pi_ref on tokens sampled from pi_theta: k1 = d is unbiased and noisy; k2 = d^2 / 2 is
    biased as a value, but its gradient is in expectation that of the KL; k3 = exp(-d) - 1 + d is unbiased and never
    negative, but its gradient is not the KL's (Schulman, "Approximating KL divergence", 2020). So k2 goes into a loss
    and k1 into a reward.

    Raises:
        ValueError: an unknown estimator, shapes that differ, or a log-prob that is not finite.
    """
    if logp.shape != ref_logp.shape:
        raise ValueError(f"ref_logp has shape {tuple(ref_logp.shape)}; it must be that of logp, {tuple(logp.shape)}")
    difference = logp - ref_logp.detach()
    if not bool(difference.isfinite().all()):
        raise ValueError("logp or ref_logp is not finite somewhere; put 0 in both where there is no response token")
    if estimator == "k1":
        return difference
    if estimator == "k2":
        return difference.square() / 2
    if estimator == "k3":
        # expm1 keeps small divergences exact in float32. Below d = -20 a token that the policy gave up would overflow:
        # k3 goes on there as a straight line, with the slope that it has at the bound.
        bounded = difference.clamp(min=-_STEEPEST)
        return (-bounded).expm1() + bounded + (1 - math.exp(_STEEPEST)) * (difference - bounded)
    raise ValueError(f"KL estimator '{estimator}' is unknown; known: k1, k2, k3")


def check_kl_in_loss(estimator: Estimator) -> None:
    """Refuses an estimator that would do nothing as a loss term.

    Raises:
        ValueError: k1, whose gradient in the loss is that of log pi_theta: zero in expectation, noise in practice.
    """
    if estimator == "k1":
        raise ValueError(
            "KL estimator k1 in the loss has zero expected gradient on-policy (it is the score function); "
            "use k2 there, or put k1 into the reward"
        )
