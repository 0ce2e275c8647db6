from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lpo.logprobs import logprobs_from_logits, token_logprobs


class Case:
    def __init__(self, dtype: torch.dtype = torch.float64, tokens: int = 37, words: int = 23) -> None:
        torch.manual_seed(0)
        self.hidden = torch.randn(tokens, 8, dtype=dtype, requires_grad=True)
        self.head = nn.Linear(8, words, dtype=dtype)
        self.targets = torch.randint(0, words, (tokens,))
        self.of_logp, self.of_entropy = torch.randn(tokens, dtype=dtype), torch.randn(tokens, dtype=dtype)

    def expected(self, temperature: float) -> tuple[Tensor, Tensor]:
        log_probs = torch.log_softmax(self.head(self.hidden).double() / temperature, -1)
        return log_probs.gather(1, self.targets[:, None])[:, 0], -(log_probs.exp() * log_probs).sum(-1)

    def gradients(self, logp: Tensor, entropy: Tensor | None) -> tuple[Tensor, ...]:
        loss = (logp * self.of_logp).sum()
        if entropy is not None:
            loss = loss + (entropy * self.of_entropy).sum()
        return torch.autograd.grad(loss, [self.hidden, self.head.weight, self.head.bias])


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("chunk_tokens", [1, 5, 36, 37, 1000])
@pytest.mark.parametrize("with_entropy", [False, True])
def test_equals_log_softmax_in_value_and_gradient(temperature: float, chunk_tokens: int, with_entropy: bool) -> None:
    case = Case()
    logp, entropy = token_logprobs(
        case.hidden,
        case.head,
        case.targets,
        temperature=temperature,
        chunk_tokens=chunk_tokens,
        with_entropy=with_entropy,
    )
    expected_logp, expected_entropy = case.expected(temperature)
    torch.testing.assert_close(logp, expected_logp, rtol=0, atol=1e-12)
    if with_entropy:
        assert entropy is not None
        torch.testing.assert_close(entropy, expected_entropy, rtol=0, atol=1e-12)
    else:
        assert entropy is None
    expected = case.gradients(expected_logp, expected_entropy if with_entropy else None)
    for actual, wanted in zip(case.gradients(logp, entropy), expected, strict=True):
        torch.testing.assert_close(actual, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("chunks", [1, 2, 5, 50])
def test_a_number_of_chunks_that_others_set_changes_nothing(chunks: int) -> None:
    """Ranks agree on a number; 50 chunks of 37 tokens leave some empty."""
    case, calls = Case(), []
    head = case.head

    def counted(rows: Tensor) -> Tensor:
        calls.append(len(rows))
        return head(rows)

    logp, entropy = token_logprobs(
        case.hidden, counted, case.targets, chunk_tokens=1000, chunks=chunks, with_entropy=True
    )
    assert len(calls) == chunks
    expected_logp, expected_entropy = case.expected(1.0)
    expected = case.gradients(expected_logp, expected_entropy)
    for actual, wanted in zip(case.gradients(logp, entropy), expected, strict=True):
        torch.testing.assert_close(actual, wanted, rtol=0, atol=1e-12)
    assert len(calls) == (1 if chunks == 1 else 2 * chunks)


def test_entropy_alone_has_its_gradient() -> None:
    case = Case()
    _, entropy = token_logprobs(case.hidden, case.head, case.targets, with_entropy=True)
    assert entropy is not None
    (actual,) = torch.autograd.grad(entropy.sum(), case.hidden)
    (expected,) = torch.autograd.grad(case.expected(1.0)[1].sum(), case.hidden)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("chunk_tokens", [5, 100])
def test_bfloat16_logits_are_summed_in_float32(chunk_tokens: int) -> None:
    case = Case(torch.bfloat16, words=4096)
    logp, _ = token_logprobs(case.hidden, case.head, case.targets, chunk_tokens=chunk_tokens)
    assert logp.dtype == torch.float32
    # The logits are bfloat16 on both sides; a sum over 4,096 words in bfloat16 would be wrong in the second digit.
    torch.testing.assert_close(logp.double(), case.expected(1.0)[0], rtol=0, atol=1e-5)
    (gradient,) = torch.autograd.grad(logp.sum(), case.hidden)
    assert gradient.dtype == torch.bfloat16


def test_the_largest_tensor_is_one_chunk_of_logits() -> None:
    case = Case(tokens=100, words=50)
    seen: list[int] = []

    def head(rows: Tensor) -> Tensor:
        seen.append(len(rows))
        return case.head(rows)

    kept: list[int] = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        logp, _ = token_logprobs(case.hidden, head, case.targets, chunk_tokens=30)
    # Four equal chunks rather than 30, 30, 30, 10; nothing of their size survives the forward pass.
    assert seen == [25] * 4
    assert max(kept) < 25 * 50
    logp.sum().backward()
    assert seen == [25] * 8


def test_one_chunk_calls_the_head_once() -> None:
    case = Case()
    calls = []
    handle = case.head.register_forward_pre_hook(lambda *_: calls.append(1))
    token_logprobs(case.hidden, case.head, case.targets, chunk_tokens=37)[0].sum().backward()
    handle.remove()
    assert len(calls) == 1


def test_without_gradient() -> None:
    case = Case()
    with torch.no_grad():
        logp, entropy = token_logprobs(case.hidden, case.head, case.targets, chunk_tokens=5, with_entropy=True)
    assert not logp.requires_grad
    torch.testing.assert_close(logp, case.expected(1.0)[0].detach(), rtol=0, atol=1e-12)
    assert entropy is not None


def test_extreme_logits() -> None:
    # A word that is forbidden (-inf) and one that is certain: entropy 0, no NaN, log-prob of an unlikely word exact.
    logits = torch.tensor([[0.0, -300.0, -torch.inf], [0.0, 0.0, -torch.inf]], requires_grad=True)
    logp, entropy = logprobs_from_logits(logits, torch.tensor([1, 0]), with_entropy=True)
    assert entropy is not None
    assert logp.tolist() == pytest.approx([-300.0, -0.6931472])
    assert entropy.tolist() == pytest.approx([0.0, 0.6931472])
    (logp.sum() + entropy.sum()).backward()
    assert logits.grad is not None
    # d logp / d z = onehot - p = (-1, 1, 0); the entropy of a certain word is flat.
    assert logits.grad[0].tolist() == pytest.approx([-1, 1, 0])
    assert logits.grad[1].tolist() == pytest.approx([0.5, -0.5, 0])


def test_no_tokens() -> None:
    case = Case()
    logp, entropy = token_logprobs(case.hidden[:0], case.head, case.targets[:0], with_entropy=True)
    assert logp.shape == (0,)
    assert entropy is not None
    logp.sum().backward()


def test_bad_input() -> None:
    case = Case()
    with pytest.raises(ValueError, match=r"must be \(N, H\) and \(N,\)"):
        token_logprobs(case.hidden, case.head, case.targets[:5])
    with pytest.raises(ValueError, match="temperature is 0"):
        token_logprobs(case.hidden, case.head, case.targets, temperature=0.0)
    with pytest.raises(ValueError, match="chunk_tokens is 0"):
        token_logprobs(case.hidden, case.head, case.targets, chunk_tokens=0)


def test_a_second_backward_pass_is_refused_not_wrong() -> None:
    case = Case()
    logp, _ = token_logprobs(case.hidden, case.head, case.targets)
    logp.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        logp.sum().backward()
