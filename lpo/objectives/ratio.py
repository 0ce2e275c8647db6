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


def bounded_exp(log_ratio: Tensor) -> Tensor:
    """exp within ``MAX_LOG_RATIO``, the same shape."""
    return log_ratio.clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp()


def grouped_ratio(batch: TokenBatch, grain: Grain) -> Tensor:
    """The ratio of each segment, with gradient to all its tokens, in the layout of ``grouped_mean``."""
    return bounded_exp(grouped_mean(batch.log_ratio, batch, grain))


def grouped_mean(values: Tensor, batch: TokenBatch, grain: Grain) -> Tensor:
    """Mean of token ``values`` (B, T; 0 outside the mask) over each segment.

    Returns:
        (B, T) for tokens, (B, 1) for responses; (B, S) for sentences, a column per sentence, 0 where a row has fewer.
    """
    if grain == "token":
        return values
    return grouped_sum(values, batch, grain) / group_sizes(batch, grain).clamp(min=1)


def grouped_sum(values: Tensor, batch: TokenBatch, grain: Grain) -> Tensor:
    """Sum of token values over each segment, laid out as above."""
    if grain == "token":
        return values
    if grain == "response":
        return values.sum(1, keepdim=True)
    return values.new_zeros(len(values), batch.max_segments).scatter_add(1, _index(batch), values)


def group_sizes(batch: TokenBatch, grain: Grain) -> Tensor:
    """Response tokens in each segment, laid out as above: 0 where there is none."""
    if grain == "response":
        return batch.lengths.unsqueeze(1)
    if grain == "segment" and batch.segment_sizes is not None:
        return batch.segment_sizes
    return batch.mask


def spread(grouped: Tensor, batch: TokenBatch, grain: Grain) -> Tensor:
    """(B, T): what each token's segment has."""
    return grouped.gather(1, _index(batch)) if grain == "segment" else grouped.expand(batch.mask.shape)


def _index(batch: TokenBatch) -> Tensor:
    assert batch.segment_index is not None
    return batch.segment_index
