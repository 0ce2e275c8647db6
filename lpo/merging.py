"""WSM: a learning-rate decay in the shape of a merge. The coefficients of the checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lpo.recipe.base import unknown_name

DECAYS: dict[str, Callable[[float], float]] = {
    "linear": lambda u: 1 - u,
    "1-sqrt": lambda u: 1 - math.sqrt(u),
    "cosine": lambda u: (1 + math.cos(math.pi * u)) / 2,
}
"""Weight of a gradient at u, the part of the merged span that lies before it."""


def merge_weights(
    decay: str, k: int, *, rate: float | None = None, weights: Sequence[float] | None = None
) -> list[float]:
    """Coefficients c_0 .. c_k of k + 1 checkpoints, oldest first, that sum to 1 (WSM, arXiv 2507.17634).

    Merging theta = sum_j c_j theta_j weighs the gradients between checkpoints i - 1 and i by w_i = sum_{j >= i} c_j.
    From a wanted decay w at u = i / (k + 1): c_k = w_k, c_j = w_j - w_(j+1), c_0 = 1 - w_1.

    Args:
        decay: ``linear`` (the plain mean), ``1-sqrt``, ``cosine``; ``ema``, an exponential moving average with
            ``rate``; or ``custom``, coefficients in proportion to ``weights``.
        k: number of checkpoints minus one, at least 0.
        rate: of ``ema``: what is kept of the average at each checkpoint, 0 <= rate < 1.
        weights: of ``custom``: k + 1 numbers, none negative, not all 0.

    Raises:
        ValueError: an unknown decay, k negative, or ``rate`` or ``weights`` missing, superfluous or out of range.
    """
    if k < 0:
        raise ValueError(f"k is {k}; merging takes k + 1 checkpoints, so k is at least 0")
    for name, value, owner in (("rate", rate, "ema"), ("weights", weights, "custom")):
        if (value is not None) != (decay == owner):
            verb = "needs" if decay == owner else "does not take"
            raise ValueError(f"decay '{decay}' {verb} {name}")
    if decay == "ema":
        return _moving_average(k, rate)
    if decay == "custom":
        return _in_proportion(k, weights)
    if decay not in DECAYS:
        raise ValueError(unknown_name(decay, [*DECAYS, "ema", "custom"], "decay"))
    wanted = [1.0, *(DECAYS[decay](i / (k + 1)) for i in range(1, k + 1)), 0.0]
    return [wanted[j] - wanted[j + 1] for j in range(k + 1)]


def _moving_average(k: int, rate: float | None) -> list[float]:
    if rate is None or not 0 <= rate < 1:
        raise ValueError(f"rate is {rate}; 0 <= rate < 1 is needed")
    return [rate**k if j == 0 else (1 - rate) * rate ** (k - j) for j in range(k + 1)]


def _in_proportion(k: int, weights: Sequence[float] | None) -> list[float]:
    if weights is None or len(weights) != k + 1 or min(weights) < 0 or not 0 < sum(weights) < math.inf:
        raise ValueError(f"weights are {weights}; {k + 1} numbers are needed, none negative, not all 0")
    return [weight / sum(weights) for weight in weights]
