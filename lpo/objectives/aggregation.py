"""How much each token counts. Weights of a whole optimiser step, so that any split of it adds up to the same loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lpo.recipe.algorithm import Objective


def response_weights(
    objective: Objective,
    lengths: Tensor | Sequence[int],
    group_ids: Tensor | Sequence[int] | None = None,
    max_length: int | None = None,
) -> Tensor:
    """The weight of each token of a response, the same for all its tokens: (B,), float64.

    Compute it once over every response of the optimiser step, on all ranks together. A response of length 0 (invalid
    reward, masked truncation) has weight 0 and is in no denominator; a group of equal rewards stays in it.

    Args:
        objective: its ``aggregation`` and ``normaliser`` decide.
        lengths: (B,) response tokens that count.
        group_ids: (B,) any integers, equal within a group. None: one group.
        max_length: tokens; needed by the ``max_length`` aggregation (Dr.GRPO).

    Raises:
        ValueError: ``max_length`` is missing or not positive, a length is negative, or the shapes differ.
    """
    lengths = torch.as_tensor(lengths)
    if lengths.dim() != 1:
        raise ValueError(f"lengths have shape {tuple(lengths.shape)}; they must be (B,), one a response")
    tokens = lengths.to(torch.float64)
    if group_ids is None:
        groups = torch.zeros_like(tokens, dtype=torch.long)
    else:
        groups = torch.as_tensor(group_ids, device=tokens.device)
        if groups.shape != tokens.shape:
            raise ValueError(f"group_ids have shape {tuple(groups.shape)}; they must be ({len(tokens)},), one each")
    if len(tokens) == 0:
        return tokens
    if bool((tokens < 0).any()):
        raise ValueError(f"lengths hold {int(tokens.min())}; a length is at least 0")
    kept = (tokens > 0).to(torch.float64)

    # Each response's share of a denominator: its tokens, or 1.
    if objective.aggregation == "token_mean":
        size, scale = tokens, kept
    elif objective.aggregation == "response_mean":
        size, scale = kept, kept / tokens.clamp(min=1)
    else:
        if max_length is None or max_length <= 0:
            raise ValueError(
                f"max_length is {max_length}; algorithm '{objective.name}' divides by the configured maximum length of "
                "a response: give a positive number of tokens"
            )
        size, scale = kept, kept / max_length

    if objective.normaliser == "batch":
        return scale / size.sum().clamp(min=1)
    _, index = groups.unique(return_inverse=True)
    totals = torch.zeros(int(index.max()) + 1, dtype=torch.float64, device=tokens.device).scatter_add(0, index, size)
    return scale / totals[index].clamp(min=1) / (totals > 0).sum().clamp(min=1)


def aggregation_weights(
    objective: Objective,
    lengths: Tensor | Sequence[int],
    group_ids: Tensor | Sequence[int] | None = None,
    max_length: int | None = None,
    *,
    width: int | None = None,
) -> Tensor:
    """``response_weights`` laid out by token: (B, T), 0 beyond each length, float64.

    For responses whose tokens stand at the start of their rows; give ``policy_loss`` the (B,) weights where other
    tokens (a tool's output) stand between.

    Args:
        objective: as above.
        lengths: as above.
        group_ids: as above.
        max_length: as above.
        width: T; the longest length by default.
    """
    weights = response_weights(objective, lengths, group_ids, max_length)
    lengths = torch.as_tensor(lengths)
    longest = int(lengths.max()) if len(lengths) else 0
    if width is not None and width < longest:
        raise ValueError(f"width is {width}; the longest response has {longest} tokens")
    positions = torch.arange(longest if width is None else width, device=weights.device)
    return weights.unsqueeze(1) * (positions < lengths.unsqueeze(1))


def weighted_sum(values: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
    """Sum of (B, T) token values under aggregation weights, (B,) or (B, T): a KL or entropy term of the loss, a scalar.

    Positive for positive values; what lies outside the mask does not count, even where it is NaN.
    """
    values = torch.where(mask != 0, values, torch.zeros((), dtype=values.dtype, device=values.device))
    weights = weights.to(values).unsqueeze(1) if weights.dim() == 1 else weights.to(values)
    return (weights * values).sum()
