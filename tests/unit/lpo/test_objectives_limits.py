"""Equivalences: the limits that tie the family together, and splits and layouts that must not matter."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lpo.objectives import LossStatistics, aggregation_weights, policy_loss, response_weights
from lpo.recipe.algorithm import CISPO, DAPO, GRPO, GSPO, LPO, DrGRPO, GSPOToken, Objective

EVERY = [
    LPO(),
    LPO(normaliser="batch", dual_clip=1.2),
    GRPO(),
    DAPO(),
    DrGRPO(),
    GSPO(),
    GSPOToken(),
    CISPO(upper_bound=1.1),
]
EVERY += [
    GRPO(normaliser="group"),
    GSPO(aggregation="token_mean", normaliser="group"),
    LPO(aggregation="response_mean"),
]
NAMES = [f"{o.name}-{o.normaliser}-{o.aggregation}" for o in EVERY]


class Batch:
    """Random responses with a spread of ratios around 1, in groups of unequal size."""

    def __init__(self, seed: int, rows: int = 8, width: int = 12) -> None:
        generator = torch.Generator().manual_seed(seed)

        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=generator, dtype=torch.float64)

        self.lengths = torch.randint(1, width + 1, (rows,), generator=generator)
        self.lengths[rows // 2] = 0
        self.mask = torch.arange(width) < self.lengths.unsqueeze(1)
        self.old = -uniform(rows, width) * 3
        self.logp = self.old + (uniform(rows, width) - 0.5) * 0.6
        self.advantages = uniform(rows) * 2 - 1
        self.groups = torch.randint(0, 3, (rows,), generator=generator)
        self.entropy = uniform(rows, width)
        self.correction = uniform(rows, width) * 2
        steps = torch.randint(0, 2, (rows, width), generator=generator)
        steps[:, 0] = 0
        self.segments = steps.cumsum(1).masked_fill(~self.mask, -1)

    def rows(self, index: Tensor) -> Batch:
        part = object.__new__(Batch)
        for name, value in vars(self).items():
            setattr(part, name, value[index])
        return part

    def loss(self, objective: Objective, weights: Tensor | None = None) -> tuple[Tensor, Tensor, LossStatistics]:
        logp = self.logp.clone().requires_grad_()
        result = policy_loss(
            objective,
            logp,
            self.old,
            self.advantages,
            self.mask,
            self.segments,
            self.groups,
            weights,
            max_length=16,
            correction=self.correction,
        )
        (gradient,) = torch.autograd.grad(result.loss, logp)
        return result.loss.detach(), gradient, result.statistics


def same(actual: tuple[Tensor, Tensor, object], expected: tuple[Tensor, Tensor, object]) -> None:
    torch.testing.assert_close(actual[0], expected[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(actual[1], expected[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("normaliser", ["group", "batch"])
@pytest.mark.parametrize("aggregation", ["token_mean", "response_mean"])
@pytest.mark.parametrize("seed", range(3))
def test_one_token_per_sentence_is_grpo(normaliser: str, aggregation: str, seed: int) -> None:
    batch = Batch(seed)
    batch.segments = torch.arange(12).expand(8, 12).masked_fill(~batch.mask, -1)
    shape = {"normaliser": normaliser, "aggregation": aggregation, "eps_low": 0.1, "eps_high": 0.12}
    lpo, grpo = batch.loss(LPO(**shape)), batch.loss(GRPO(**shape))  # type: ignore[arg-type]
    same(lpo, grpo)
    assert lpo[2].clip_fraction == grpo[2].clip_fraction > 0


@pytest.mark.parametrize("normaliser", ["group", "batch"])
@pytest.mark.parametrize("aggregation", ["token_mean", "response_mean"])
@pytest.mark.parametrize("seed", range(3))
def test_one_sentence_per_response_is_gspo(normaliser: str, aggregation: str, seed: int) -> None:
    batch = Batch(seed)
    batch.segments = torch.zeros(8, 12, dtype=torch.long).masked_fill(~batch.mask, -1)
    shape = {"normaliser": normaliser, "aggregation": aggregation, "eps_low": 0.02, "eps_high": 0.03}
    lpo, gspo = batch.loss(LPO(**shape)), batch.loss(GSPO(**shape))  # type: ignore[arg-type]
    same(lpo, gspo)
    assert lpo[2].clip_fraction == gspo[2].clip_fraction > 0


@pytest.mark.parametrize("normaliser", ["group", "batch"])
@pytest.mark.parametrize("seed", range(3))
def test_on_policy_lpo_is_the_policy_gradient_whatever_the_segments(normaliser: str, seed: int) -> None:
    batch = Batch(seed)
    batch.correction = torch.ones_like(batch.correction)
    batch.logp = batch.old.clone()
    objective = LPO(normaliser=normaliser)  # type: ignore[arg-type]
    weights = response_weights(objective, batch.lengths, batch.groups).unsqueeze(1) * batch.mask
    # -sum w A log pi has the gradient -w A; the value at ratio 1 is -sum w A.
    expected = -weights * batch.advantages.unsqueeze(1)
    loss, gradient, _ = batch.loss(objective)
    torch.testing.assert_close(loss, expected.sum(), rtol=0, atol=1e-12)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("objective", EVERY, ids=NAMES)
@pytest.mark.parametrize("seed", range(2))
class TestWhatMustNotMatter:
    def test_padding(self, objective: Objective, seed: int) -> None:
        batch = Batch(seed)
        plain = batch.loss(objective)
        for name, filler in (("mask", False), ("old", float("nan")), ("logp", float("inf")), ("segments", -1)):
            value = getattr(batch, name)
            setattr(batch, name, torch.nn.functional.pad(value, (0, 5), value=filler))
        batch.correction = torch.nn.functional.pad(batch.correction, (0, 5), value=float("nan"))
        loss, gradient, statistics = batch.loss(objective)
        same((loss, gradient[:, :12], statistics), plain)
        assert not gradient[:, 12:].any()

    def test_order(self, objective: Objective, seed: int) -> None:
        batch = Batch(seed)
        order = torch.randperm(8, generator=torch.Generator().manual_seed(seed))
        loss, gradient, _ = batch.loss(objective)
        same(batch.rows(order).loss(objective), (loss, gradient[order], None))

    @pytest.mark.parametrize("size", [1, 3])
    def test_micro_batches(self, objective: Objective, seed: int, size: int) -> None:
        batch = Batch(seed)
        weights = aggregation_weights(objective, batch.lengths, batch.groups, 16, width=12)
        whole = batch.loss(objective)
        parts = [batch.rows(rows).loss(objective, weights[rows]) for rows in torch.arange(8).split(size)]
        same((sum(p[0] for p in parts), torch.cat([p[1] for p in parts]), None), whole)  # type: ignore[arg-type]
        total = LossStatistics.merge([p[2] for p in parts])
        torch.testing.assert_close(total.sums(), whole[2].sums(), rtol=1e-12, atol=1e-12)
        assert total.ratio_max == whole[2].ratio_max

    @pytest.mark.parametrize("ranks", [1, 2, 4])
    def test_ranks(self, objective: Objective, seed: int, ranks: int) -> None:
        # Each rank holds some responses and the (B,) weights that were computed over all of them.
        batch = Batch(seed)
        weights = response_weights(objective, batch.lengths, batch.groups, 16)
        whole = batch.loss(objective)
        loss, gradient = torch.zeros((), dtype=torch.float64), torch.zeros_like(batch.logp)
        for rank in range(ranks):
            rows = torch.arange(rank, 8, ranks)
            part = batch.rows(rows).loss(objective, weights[rows])
            loss += part[0]
            gradient[rows] += part[1]
        same((loss, gradient, None), whole)

    def test_packing(self, objective: Objective, seed: int) -> None:
        # Log-probs that live in one packed row and are scattered back give the packed row the same gradient.
        batch = Batch(seed)
        loss, gradient, _ = batch.loss(objective)
        packed = batch.logp[batch.mask].clone().requires_grad_()
        scattered = torch.zeros_like(batch.logp).masked_scatter(batch.mask, packed)
        result = policy_loss(
            objective, scattered, batch.old, batch.advantages, batch.mask, batch.segments, batch.groups,
            max_length=16, correction=batch.correction,
        )  # fmt: skip
        (packed_gradient,) = torch.autograd.grad(result.loss, packed)
        same((result.loss.detach(), packed_gradient, None), (loss, gradient[batch.mask], None))

    def test_a_gap_inside_a_response(self, objective: Objective, seed: int) -> None:
        # A tool's output of three tokens after the fourth token, masked out.
        batch = Batch(seed)
        loss, gradient, _ = batch.loss(objective, response_weights(objective, batch.lengths, batch.groups, 16))
        weights = response_weights(objective, batch.lengths, batch.groups, 16)
        for name, filler in (("mask", False), ("old", 0.0), ("logp", 5.0), ("segments", -1), ("correction", 1.0)):
            value = getattr(batch, name)
            gap = torch.full((8, 3), filler, dtype=value.dtype)
            setattr(batch, name, torch.cat([value[:, :4], gap, value[:, 4:]], 1))
        gapped_loss, gapped, _ = batch.loss(objective, weights)
        same((gapped_loss, torch.cat([gapped[:, :4], gapped[:, 7:]], 1), None), (loss, gradient, None))

    def test_advantages_by_token(self, objective: Objective, seed: int) -> None:
        batch = Batch(seed)
        by_response = batch.loss(objective)
        batch.advantages = batch.advantages.unsqueeze(1).expand(8, 12)
        by_token = batch.loss(objective)
        same(by_token, by_response)
        torch.testing.assert_close(by_token[2].sums(), by_response[2].sums(), rtol=1e-12, atol=1e-12)


# CISPO and GSPO-token detach their ratio: their gradient is not that of their value, by design.
@pytest.mark.parametrize("objective", [o for o in EVERY if o.name not in ("cispo", "gspo_token")], ids=lambda o: o.name)
@pytest.mark.parametrize("seed", range(2))
class TestGradient:
    def test_against_finite_differences(self, objective: Objective, seed: int) -> None:
        batch = Batch(seed)
        _, gradient, _ = batch.loss(objective)
        direction = torch.randn(batch.logp.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        step = 1e-6
        values = []
        for sign in (1, -1):
            moved = Batch(seed)
            moved.logp = batch.logp + sign * step * direction * batch.mask
            values.append(moved.loss(objective)[0])
        slope = (values[0] - values[1]) / (2 * step)
        torch.testing.assert_close(slope, (gradient * direction).sum(), rtol=1e-6, atol=1e-8)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(2, 6), width=st.integers(1, 9), which=st.sampled_from(EVERY))
def test_properties(seed: int, rows: int, width: int, which: Objective) -> None:
    batch = Batch(seed, rows, width)
    loss, gradient, statistics = batch.loss(which)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()
    assert not gradient[~batch.mask].any()
    assert 0 <= statistics.clip_fraction <= 1
    assert float(statistics.responses) + float(statistics.empty_responses) == rows
    # An advantage of zero teaches nothing.
    batch.advantages = torch.zeros_like(batch.advantages)
    loss, gradient, statistics = batch.loss(which)
    assert loss == 0
    assert not gradient.any()
    assert statistics.clip_fraction == 0


@settings(max_examples=30, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=8), seed=st.integers(0, 999), which=st.sampled_from(EVERY)
)
def test_weights_of_a_mean_add_up_to_one(lengths: list[int], seed: int, which: Objective) -> None:
    groups = torch.randint(0, 3, (len(lengths),), generator=torch.Generator().manual_seed(seed))
    total = float(aggregation_weights(which, lengths, groups, 9).sum())
    if not any(lengths):
        assert total == 0
    elif which.aggregation != "max_length":
        assert total == pytest.approx(1, abs=1e-12)
