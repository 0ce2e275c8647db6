"""The tensors an objective works on, checked once, with a single wait for the device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TokenBatch:
    """Responses as rows, all (B, T). Outside ``mask`` every number is 0 and carries no gradient."""

    logp: Tensor
    log_ratio: Tensor
    """log pi_theta - log pi_old of each token, with gradient."""
    advantages: Tensor
    """(B, T), or (B, 1) where a response has one advantage."""
    mask: Tensor
    lengths: Tensor
    """(B,) response tokens."""
    segment_index: Tensor | None
    """The segment of each token in its row; outside the mask that of the nearest response token before."""
    segment_sizes: Tensor | None
    """(B, S) tokens of each segment, 0 where a row has fewer."""
    max_segments: int
    entropy: Tensor | None


def token_batch(
    logp: Tensor,
    old_logp: Tensor,
    advantages: Tensor,
    mask: Tensor,
    segment_ids: Tensor | None,
    entropy: Tensor | None,
) -> TokenBatch:
    """Checks shapes and values and drops what lies outside the mask.

    Raises:
        TypeError: something is no tensor, or segment ids are no integers.
        ValueError: a shape differs from (B, T), a log-probability or an advantage of a response token is not finite,
            the mask holds something else than 0 and 1, or segment ids do not run 0, 1, 2, ... along a response.
    """
    given = {"logp": logp, "old_logp": old_logp, "advantages": advantages, "mask": mask}
    for name, value in (given | {"segment_ids": segment_ids, "entropy": entropy}).items():
        if not isinstance(value, Tensor) and (value is not None or name in given):
            raise TypeError(f"{name} is a {type(value).__name__}; it must be a torch.Tensor")
    if logp.dim() != 2:
        raise ValueError(f"logp has shape {_shape(logp)}; it must be (B, T): one response a row")
    for name, tensor in (("old_logp", old_logp), ("mask", mask), ("segment_ids", segment_ids), ("entropy", entropy)):
        if tensor is not None and tensor.shape != logp.shape:
            raise ValueError(f"{name} has shape {_shape(tensor)}; it must be that of logp, {_shape(logp)}")
    if segment_ids is not None and segment_ids.is_floating_point():
        raise TypeError(f"segment_ids are {segment_ids.dtype}; they must be integers")
    if advantages.shape not in (logp.shape, logp.shape[:1]):
        raise ValueError(
            f"advantages have shape {_shape(advantages)}; they must be ({logp.shape[0]},), one a response, "
            f"or {_shape(logp)}, one a token"
        )
    dtype = torch.promote_types(logp.dtype, torch.float32)
    inside = mask if mask.dtype == torch.bool else mask != 0
    lengths = inside.count_nonzero(1)
    zero = torch.zeros((), dtype=dtype, device=logp.device)
    logp = torch.where(inside, logp.to(dtype), zero)
    log_ratio = logp - torch.where(inside, old_logp.detach().to(dtype), zero)
    advantages = advantages.detach().to(dtype)
    if advantages.dim() == 1:
        # An excluded response may carry any advantage, NaN included.
        advantages = torch.where(lengths > 0, advantages, zero).unsqueeze(1)
    else:
        advantages = torch.where(inside, advantages, zero)

    problems = [~torch.isfinite(log_ratio).all(), ~torch.isfinite(advantages).all()]
    problems.append(((mask != 0) & (mask != 1)).any())
    index = None
    if segment_ids is not None:
        ids = segment_ids.long().masked_fill(~inside, -1)
        # A tool's output may interrupt a response, so the predecessor is the largest id so far, not the neighbour.
        index = ids.cummax(1).values if ids.shape[1] else ids.clone()
        starts = index != torch.nn.functional.pad(index[:, :-1], (1, 0), value=-1)[:, : ids.shape[1]]
        # Ids run 0, 1, 2, ... where as many segments start as the last id says and no id is below an earlier one or 0.
        last = index[:, -1] if ids.shape[1] else lengths - 1
        problems.append((starts.count_nonzero(1) != last + 1).any())
        problems.append(((index.clamp_(min=0) != ids) & inside).any())
        problems.append(last.max() if len(last) else torch.zeros_like(problems[0]))
    infinite, bad_advantage, bad_mask, *segment_problems = torch.stack([p.long() for p in problems]).tolist()
    if infinite:
        _refuse_not_finite(logp, old_logp, inside)
    if bad_advantage:
        row = int((~torch.isfinite(advantages)).any(1).nonzero()[0])
        raise ValueError(f"advantage of response {row} is not finite; mask a response whose reward is invalid")
    if bad_mask:
        raise ValueError("mask holds a value other than 0 and 1; token weights belong in `weights`")
    if any(segment_problems[:-1]):
        _refuse_segments(segment_ids, inside)
    max_segments = max(segment_problems[-1] + 1, 1) if segment_problems else 0
    sizes = None
    if index is not None:
        sizes = torch.zeros(len(index), max_segments, dtype=dtype, device=index.device)
        sizes.scatter_add_(1, index, inside.to(dtype))
    return TokenBatch(
        logp=logp,
        log_ratio=log_ratio,
        advantages=advantages,
        mask=inside,
        lengths=lengths,
        segment_index=index,
        segment_sizes=sizes,
        max_segments=max_segments,
        entropy=None if entropy is None else torch.where(inside, entropy.detach().to(dtype), zero),
    )


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))


def _refuse_not_finite(logp: Tensor, old_logp: Tensor, inside: Tensor) -> None:
    for name, values in (("logp", logp), ("old_logp", old_logp)):
        bad = (inside & ~torch.isfinite(values)).nonzero()
        if len(bad):
            row, token = bad[0].tolist()
            raise ValueError(
                f"{name} of response {row}, token {token} is {values[row, token].item()} ({len(bad)} such tokens); "
                "a token that was sampled has a finite log-probability: look for diverged weights, or for top-p or "
                "top-k in only one of learner and engine"
            )
    raise ValueError("logp - old_logp overflows; log-probabilities this large cannot be right")


def _refuse_segments(segment_ids: Tensor | None, inside: Tensor) -> None:
    assert segment_ids is not None
    for row, (ids, kept) in enumerate(zip(segment_ids, inside, strict=True)):
        expected = -1
        for token, segment in enumerate(ids.tolist()):
            if not kept[token]:
                continue
            if segment not in (expected, expected + 1) or segment < 0:
                wanted = "0" if expected < 0 else f"{expected} or {expected + 1}"
                raise ValueError(
                    f"segment_ids of response {row}, token {token}: {segment}, where {wanted} is right; "
                    "ids start at 0 and rise by one with each segment"
                )
            expected = segment
