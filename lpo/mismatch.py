"""Trainer/engine mismatch: two implementations of one policy give a token two probabilities.

k = pi_old computed by the learner / pi computed by the engine that sampled. Multiplying a token's term by k is
importance sampling back to the learner's policy; the kinds differ in what they do where k is far from 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Correction = Literal["off", "tis", "icepop", "sequence_mask"]
_MAX_LOG = 20.0


def correction_weights(
    kind: Correction,
    old_logp: Tensor,
    engine_logp: Tensor,
    mask: Tensor,
    *,
    cap: float = 2.0,
    low: float = 0.5,
    high: float = 5.0,
) -> Tensor:
    """Detached weights that multiply the terms of a policy loss, (B, T), 0 outside the mask.

    ``off`` 1; ``tis`` min(k, cap), truncated importance sampling; ``icepop`` k where low <= k <= high, else 0 (Ring-1T,
    arXiv 2510.18855); ``sequence_mask`` 1 for responses whose geometric mean of k lies in [low, high], else 0.

    Args:
        kind: what to do.
        old_logp: (B, T) recomputed by the learner, of the weights that sampled, in nats.
        engine_logp: (B, T) as the engine returned them with the tokens.
        mask: (B, T) 1 on response tokens.
        cap: largest weight of ``tis``.
        low: least k (or mean k) that is kept.
        high: largest that is kept.

    Raises:
        ValueError: an unknown kind, shapes that differ, low not below high, or a value that is not finite.
    """
    log_k, inside = _log_k(old_logp, engine_logp, mask)
    if not 0 < low < high:
        raise ValueError(f"low {low} and high {high}: 0 < low < high is needed")
    if not cap > 0:
        raise ValueError(f"cap is {cap}; it must be positive")
    k = log_k.clamp(-_MAX_LOG, _MAX_LOG).exp()
    if kind == "off":
        weights = k.new_ones(k.shape)
    elif kind == "tis":
        weights = k.clamp(max=cap)
    elif kind == "icepop":
        weights = k.masked_fill((k < low) | (k > high), 0.0)
    elif kind == "sequence_mask":
        mean = (log_k.sum(1, keepdim=True) / inside.sum(1, keepdim=True).clamp(min=1)).clamp(-_MAX_LOG, _MAX_LOG).exp()
        weights = ((mean >= low) & (mean <= high)).to(k.dtype).expand_as(k)
    else:
        raise ValueError(f"correction '{kind}' is unknown; known: off, tis, icepop, sequence_mask")
    return weights.masked_fill(~inside, 0.0)


@dataclass(frozen=True)
class MismatchStatistics:
    """Sums and one maximum over response tokens; ``a + b`` joins two parts of a batch (or of ranks)."""

    tokens: float = 0.0
    abs_sum: float = 0.0
    """Sum of |log k|."""
    dropped: float = 0.0
    """Tokens whose correction weight is 0."""
    abs_max: float = 0.0

    @property
    def mean_abs(self) -> float:
        """Mean |log k|, in nats; the metric mismatch/logp_mean_abs."""
        return self.abs_sum / max(self.tokens, 1.0)

    @property
    def dropped_fraction(self) -> float:
        return self.dropped / max(self.tokens, 1.0)

    def __add__(self, other: MismatchStatistics) -> MismatchStatistics:
        return MismatchStatistics(
            self.tokens + other.tokens,
            self.abs_sum + other.abs_sum,
            self.dropped + other.dropped,
            max(self.abs_max, other.abs_max),
        )

    @staticmethod
    def merge(parts: Iterable[MismatchStatistics]) -> MismatchStatistics:
        """Joins any number of disjoint parts."""
        return sum(parts, MismatchStatistics())


def mismatch_statistics(
    old_logp: Tensor, engine_logp: Tensor, mask: Tensor, weights: Tensor | None = None
) -> MismatchStatistics:
    """How far the two implementations are apart. Arguments as above, ``weights`` those of ``correction_weights``."""
    log_k, inside = _log_k(old_logp, engine_logp, mask)
    size = log_k.abs()
    dropped = 0.0 if weights is None else float(((weights == 0) & inside).sum())
    largest = float(size.max()) if size.numel() else 0.0
    return MismatchStatistics(float(inside.sum()), float(size.double().sum()), dropped, largest)


def check_correction(kind: Correction, old_logprobs: Literal["learner", "engine"]) -> None:
    """Refuses a correction that could not correct anything.

    Raises:
        ValueError: old log-probs are the engine's own, so that k = 1 by construction.
    """
    if kind != "off" and old_logprobs == "engine":
        raise ValueError(
            f"correction '{kind}' compares the learner's old log-probs with the engine's, but old_logprobs is 'engine' "
            "and they are the same; set old_logprobs to 'learner', or the correction to 'off'"
        )


def _log_k(old_logp: Tensor, engine_logp: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """(log k, 0 outside the mask; the mask as bool)."""
    for name, tensor in (("engine_logp", engine_logp), ("mask", mask)):
        if tensor.shape != old_logp.shape or tensor.dim() != 2:
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}, old_logp {tuple(old_logp.shape)}; both must be (B, T)"
            )
    inside = mask != 0
    difference = old_logp.detach() - engine_logp.detach()
    log_k = (difference.float() if difference.element_size() < 4 else difference).masked_fill(~inside, 0.0)
    bad = (~log_k.isfinite()).nonzero()
    if len(bad):
        row, token = bad[0].tolist()
        raise ValueError(
            f"response {row}, token {token}: learner log-prob {float(old_logp[row, token])}, engine log-prob "
            f"{float(engine_logp[row, token])}; both must be finite ({len(bad)} such tokens)"
        )
    return log_k, inside
