"""What an objective did to one response: the ratio of each of its segments, and which bound of the clip cut it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lpo.objectives.loss import PolicyLoss
from lpo.objectives.ratio import spread
from lpo.recipe.algorithm import Grain

ClipState = Literal["", "low", "high", "dual"]
_STATES: tuple[ClipState, ...] = ("", "low", "high", "dual")


@dataclass(frozen=True)
class ResponseOutcome:
    """Ratios and clip states of one response in one optimiser step, a value a segment of the objective's ``grain``.

    A segment whose clip state is not empty lost its gradient there: below the lower bound, above the upper one (CISPO:
    its weight was capped), or above the dual clip.
    """

    grain: Grain
    ratios: list[float]
    clips: list[ClipState]


def response_outcome(result: PolicyLoss, grain: Grain, row: int) -> ResponseOutcome:
    """The outcome of response ``row`` of a batch; ``grain`` is the objective's. These are the numbers that the loss was
    made of: the statistics count the same segments, each at its first token.
    """
    surrogate, batch = result.surrogate, result.batch
    state = surrogate.clipped_low.long() + 2 * surrogate.clipped_high.long()
    if surrogate.clipped_dual is not None:
        state = state + 3 * surrogate.clipped_dual.long()
    first = _first_tokens(batch.mask[row], batch.segment_index[row] if batch.segment_index is not None else None, grain)
    ratios = spread(surrogate.ratio, batch, surrogate.grain)[row][first]
    states = spread(state, batch, surrogate.grain)[row][first]
    return ResponseOutcome(grain, ratios.tolist(), [_STATES[each] for each in states.tolist()])


def _first_tokens(mask: Tensor, segment_index: Tensor | None, grain: Grain) -> Tensor:
    """(T,) bool: the first token of each segment."""
    if grain == "token":
        return mask
    if grain == "response" or segment_index is None:
        return mask & (mask.cumsum(0) == 1)
    before = torch.cat([segment_index.new_full((1,), -1), segment_index.masked_fill(~mask, -1).cummax(0).values[:-1]])
    return mask & (segment_index != before)
