"""The probability ratio at any grain: the one function that the whole family shares.

A segment is a set of tokens of one response; its ratio is the length-normalised geometric mean
``r_s = exp(mean of log pi_theta - log pi_old over s)`` (arXiv 2507.18071, 2510.22115). With one token a segment it is
GRPO's ratio, with one segment a response GSPO's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from lpo.objectives.inputs import TokenBatch
    from lpo.recipe.algorithm import Grain

MAX_LOG_RATIO = 20.0
"""Log-ratios beyond are held here, without gradient, and counted: exp would overflow and gradients turn NaN."""


def grouped_ratio(batch: TokenBatch, grain: Grain) -> Tensor:
    """The ratio of the segment that each token belongs to, with gradient to all tokens of the segment.

    Returns:
        (B, T), or (B, 1) for the response grain. Outside the mask the value has no meaning and no gradient.
    """
    if grain == "segment":
        return bounded_exp(_segment_means(batch.log_ratio, batch)).gather(1, _segment_index(batch))
    return bounded_exp(grouped_mean(batch.log_ratio, batch, grain))


def bounded_exp(log_ratio: Tensor) -> Tensor:
    """exp within ``MAX_LOG_RATIO``, the same shape."""
    return log_ratio.clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp()


def grouped_mean(values: Tensor, batch: TokenBatch, grain: Grain) -> Tensor:
    """Mean of token ``values`` (B, T; 0 outside the mask) over each token's segment: (B, T), or (B, 1) by response."""
    if grain == "token":
        return values
    if grain == "response":
        return values.sum(1, keepdim=True) / batch.lengths.clamp(min=1).unsqueeze(1)
    return _segment_means(values, batch).gather(1, _segment_index(batch))


def _segment_means(values: Tensor, batch: TokenBatch) -> Tensor:
    """(B, S): a column per segment, 0 where a row has fewer."""
    index = _segment_index(batch)
    empty = values.new_zeros(len(values), batch.max_segments)
    counts = empty.scatter_add(1, index, batch.mask.to(values.dtype))
    return empty.scatter_add(1, index, values) / counts.clamp_(min=1)


def _segment_index(batch: TokenBatch) -> Tensor:
    assert batch.segment_index is not None
    return batch.segment_index


def segment_starts(batch: TokenBatch, grain: Grain) -> Tensor:
    """(B, T) bool, True once per segment: where segments are counted."""
    if grain == "token":
        return batch.mask
    if grain == "response":
        return batch.mask & (batch.mask.cumsum(1) == 1)
    assert batch.segment_starts is not None
    return batch.segment_starts
