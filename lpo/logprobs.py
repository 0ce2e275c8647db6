"""Log-probabilities and entropy of tokens from hidden states, without ever holding all logits.

Logits are by far the largest tensor of a step (16,384 tokens x 157,184 words = 10 GB in float32). They are made a chunk
of tokens at a time and made again in the backward pass; within a chunk one float32 buffer serves as log-softmax on the
way forward and becomes the gradient on the way back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

_ROWS_IN_CACHE = 16  # On a CPU, passes over a few rows at a time find them still in the cache.


def token_logprobs(
    hidden: Tensor,
    head: Callable[[Tensor], Tensor],
    targets: Tensor,
    *,
    temperature: float = 1.0,
    chunk_tokens: int = 1024,
    chunks: int | None = None,
    with_entropy: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Log-probability of each target, and the entropy of its distribution, at a temperature.

    Args:
        hidden: (N, H) hidden states, one row a target (row t predicts the token after t: shift before calling).
        head: hidden states to logits, (n, H) -> (n, V). Called as it is, once a chunk and again in the backward pass
            when there are several, so that module hooks (DeepSpeed ZeRO-3), biases and tied weights work.
        targets: (N,) token ids.
        temperature: logits are divided by it, as the engine does when it samples.
        chunk_tokens: tokens whose logits exist at one time. With N of at most this nothing is computed twice.
        chunks: calls of ``head``, in place of as few as ``chunk_tokens`` allows. Ranks that gather a partitioned output
            layer must agree on it; some chunks may then be empty.
        with_entropy: also return entropies.

    Returns:
        (N,) log-probabilities and (N,) entropies or None, in nats, float32 at least, both with gradient.

    Raises:
        ValueError: shapes that differ, a temperature or chunk that is not positive.
    """
    if hidden.dim() != 2 or targets.shape != hidden.shape[:1]:
        raise ValueError(
            f"hidden has shape {tuple(hidden.shape)} and targets {tuple(targets.shape)}; they must be (N, H) and (N,)"
        )
    if not temperature > 0:
        raise ValueError(
            f"temperature is {temperature}; it must be positive (greedy decoding has nothing to learn from)"
        )
    if chunk_tokens < 1:
        raise ValueError(f"chunk_tokens is {chunk_tokens}; it must be at least 1")

    def of_chunk(rows: Tensor, row_targets: Tensor) -> tuple[Tensor, Tensor | None]:
        return logprobs_from_logits(head(rows), row_targets, temperature=temperature, with_entropy=with_entropy)

    pieces = chunks or chunks_of(len(targets), chunk_tokens)
    if pieces == 1:
        return of_chunk(hidden, targets)
    logps, entropies = [], []
    # Equal chunks: a short last one would waste the matrix units.
    for part in zip(hidden.tensor_split(pieces), targets.tensor_split(pieces), strict=True):
        if torch.is_grad_enabled():
            logp, entropy = checkpoint(of_chunk, *part, use_reentrant=False, preserve_rng_state=False)
        else:
            logp, entropy = of_chunk(*part)
        logps.append(logp)
        entropies.append(entropy)
    return torch.cat(logps), torch.cat(entropies) if with_entropy else None


def chunks_of(tokens: int, chunk_tokens: int) -> int:
    """The least number of equal chunks of at most ``chunk_tokens`` that hold ``tokens``."""
    return max(1, -(-tokens // chunk_tokens))


def logprobs_from_logits(
    logits: Tensor, targets: Tensor, *, temperature: float = 1.0, with_entropy: bool = False
) -> tuple[Tensor, Tensor | None]:
    """Log-probability of each target and, if asked, entropy: (N, V) logits and (N,) targets to (N,) each.

    Computed in float32 whatever the logits are (float64 stays). The backward pass can run once: it turns the buffer
    that the forward pass left into the gradient.
    """
    logp, entropy = _TokenLogProbs.apply(logits, targets, temperature, with_entropy)
    return logp, entropy if with_entropy else None


class _TokenLogProbs(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, targets: Tensor, temperature: float, with_entropy: bool
    ) -> tuple[Tensor, Tensor | None]:
        dtype = torch.promote_types(logits.dtype, torch.float32)
        scaled = logits if temperature == 1.0 else logits.to(dtype) / temperature
        log_probs = torch.log_softmax(scaled, dim=-1, dtype=dtype)
        logp = log_probs.gather(1, targets.unsqueeze(1)).squeeze(1)
        entropy = _entropy(log_probs) if with_entropy else None
        ctx.save_for_backward(log_probs, targets, entropy)
        ctx.temperature, ctx.logits_dtype = temperature, logits.dtype
        ctx.set_materialize_grads(False)
        return logp, entropy

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, None, None, None]:
        of_logp, of_entropy = gradients
        if of_logp is None and of_entropy is None:
            return None, None, None, None
        log_probs, targets, entropy = ctx.saved_tensors
        index = targets.unsqueeze(1)
        scale = 1.0 / ctx.temperature
        # d logp / d z = onehot - p;  d H / d z = -p (log p + H)
        for rows in _row_blocks(log_probs):
            block = log_probs[rows]
            if of_entropy is None:
                assert of_logp is not None
                block.exp_().mul_((-scale * of_logp[rows]).unsqueeze(1))
                continue
            probs = block.exp()
            slope = block.clamp_(min=torch.finfo(block.dtype).min).add_(entropy[rows].unsqueeze(1))
            slope.mul_((-scale * of_entropy[rows]).unsqueeze(1))
            if of_logp is not None:
                slope.sub_((scale * of_logp[rows]).unsqueeze(1))
            slope.mul_(probs)
        if of_logp is not None:
            log_probs.scatter_add_(1, index, (scale * of_logp).unsqueeze(1))
        return log_probs.to(ctx.logits_dtype), None, None, None


def _entropy(log_probs: Tensor) -> Tensor:
    """-sum p log p over the last axis, (N,); a word of probability 0 adds nothing."""
    entropy = log_probs.new_empty(len(log_probs))
    for rows in _row_blocks(log_probs):
        block = log_probs[rows]
        # A word of probability 0 has log-prob -inf, and 0 x -inf is no number. special.entr knows that, but takes the
        # logarithms once more, four times as slow.
        entropy[rows] = -block.exp().mul_(block.clamp(min=torch.finfo(block.dtype).min)).sum(-1)
    return entropy


def _row_blocks(log_probs: Tensor) -> list[slice]:
    rows = len(log_probs)
    size = rows if log_probs.is_cuda else _ROWS_IN_CACHE
    return [slice(start, start + size) for start in range(0, rows, max(size, 1))]
