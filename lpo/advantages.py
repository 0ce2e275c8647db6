"""Advantages: how much better a response is than the others that answered the same prompt."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lpo.recipe.algorithm import AdvantageKind

STD_GUARD = 1e-6


def group_advantages(
    rewards: Tensor | Sequence[float | None],
    group_ids: Tensor | Sequence[int],
    kind: AdvantageKind = "group_norm",
    valid: Tensor | Sequence[bool] | None = None,
) -> Tensor:
    """Advantages of responses against their own group.

    ``group_norm`` (R - mean) / (std + 1e-6), population std (GRPO, arXiv 2402.03300); ``group_mean`` R - mean (Dr.GRPO,
    2503.20783); ``leave_one_out`` R - mean of the others (RLOO, 2402.14740). A group of equal rewards, or of one
    response, gives exactly 0; ``zero_variance_groups`` counts them.

    Args:
        rewards: (B,). None and NaN are allowed only where ``valid`` is False.
        group_ids: (B,) any integers, equal within a group; groups need not be contiguous.
        kind: how to compare.
        valid: (B,) False excludes a response from its group's mean and std and gives it advantage 0.

    Returns:
        (B,) in the dtype of ``rewards`` (float32 for a sequence or integers).

    Raises:
        ValueError: an unknown kind, shapes that differ, a valid reward that is not finite, rewards too far apart for
            the dtype, or a ``valid`` that holds something else than true and false.
    """
    values, index, kept, dtype = _grouped(rewards, group_ids, valid)
    groups = int(index.max()) + 1 if len(index) else 0
    zeros = torch.zeros(groups, dtype=torch.float64, device=values.device)
    count = zeros.scatter_add(0, index, kept)
    mean = zeros.scatter_add(0, index, values) / count.clamp(min=1)
    difference = (values - mean[index]) * kept
    if kind == "group_norm":
        std = (zeros.scatter_add(0, index, difference.square()) / count.clamp(min=1)).sqrt()
        advantages = torch.where(std.isfinite()[index], difference / (std + STD_GUARD)[index], torch.inf)
    elif kind == "group_mean":
        advantages = difference
    elif kind == "leave_one_out":
        # R - (n mean - R) / (n - 1) = (R - mean) n / (n - 1)
        advantages = difference * (count / (count - 1).clamp(min=1))[index]
    else:
        raise ValueError(f"advantage kind '{kind}' is unknown; known: group_norm, group_mean, leave_one_out")
    # Rounding leaves a mean that differs from equal rewards by one unit in the last place; the guard would enlarge it.
    varied = _spread(values, index, kept, groups) > 0
    advantages = torch.where(varied[index], advantages, torch.zeros_like(advantages)).to(dtype)
    bad = (~torch.isfinite(advantages)).nonzero()
    if len(bad):
        raise ValueError(
            f"the advantage of response {int(bad[0])} overflows {dtype}: rewards of its group are too far apart"
        )
    return advantages


def zero_variance_groups(
    rewards: Tensor | Sequence[float | None],
    group_ids: Tensor | Sequence[int],
    valid: Tensor | Sequence[bool] | None = None,
) -> int:
    """How many groups teach nothing: all valid rewards equal, or fewer than two of them. Arguments as above."""
    values, index, kept, _ = _grouped(rewards, group_ids, valid)
    if not len(index):
        return 0
    return int((_spread(values, index, kept, int(index.max()) + 1) <= 0).sum())


def _grouped(
    rewards: Tensor | Sequence[float | None], group_ids: Tensor | Sequence[int], valid: Tensor | Sequence[bool] | None
) -> tuple[Tensor, Tensor, Tensor, torch.dtype]:
    if not isinstance(rewards, Tensor):
        rewards = torch.tensor([float("nan") if r is None else float(r) for r in rewards], dtype=torch.float64)
        dtype = torch.float32
    else:
        dtype = rewards.dtype if rewards.is_floating_point() else torch.float32
    values = rewards.detach().to(torch.float64)
    groups = torch.as_tensor(group_ids, device=values.device)
    kept = torch.ones_like(values) if valid is None else torch.as_tensor(valid, device=values.device).to(torch.float64)
    if values.dim() != 1 or groups.shape != values.shape or kept.shape != values.shape:
        raise ValueError(
            f"rewards, group_ids and valid must be (B,); their shapes are {tuple(values.shape)}, {tuple(groups.shape)} "
            f"and {tuple(kept.shape)}"
        )
    if bool(((kept != 0) & (kept != 1)).any()):
        raise ValueError("valid holds something else than true and false; weights of responses belong in the loss")
    bad = (~torch.isfinite(values) & (kept > 0)).nonzero()
    if len(bad):
        raise ValueError(
            f"reward of response {int(bad[0])} is {float(values[bad[0]])}; mark a reward that failed in `valid`"
        )
    values = torch.where(kept > 0, values, torch.zeros_like(values))
    return values, groups.unique(return_inverse=True)[1], kept, dtype


def _spread(values: Tensor, index: Tensor, kept: Tensor, groups: int) -> Tensor:
    """Largest minus smallest valid reward of each group, (groups,); -inf where none is valid."""
    infinity = torch.full((groups,), torch.inf, dtype=values.dtype, device=values.device)
    largest = (-infinity).scatter_reduce(0, index, values.masked_fill(kept == 0, -torch.inf), "amax")
    smallest = infinity.scatter_reduce(0, index, values.masked_fill(kept == 0, torch.inf), "amin")
    return largest - smallest
