"""The loss of a micro-batch: hand-worked terms, and the same total however samples are split."""

import math
from dataclasses import replace

import pytest
import torch

from lpo.recipe.algorithm import algorithm_by_name
from lpo.recipe.stages import Mismatch
from trainers.learner_batch import LossSettings, StepStatistics
from trainers.packing import TrainSample, pack
from trainers.step_loss import micro_batch_loss


def sample(**fields) -> TrainSample:
    settings = {
        "group": 0, "prompt_ids": [1], "response_ids": [5, 6], "weight": 0.25, "advantage": 2.0,
        "segment_ids": [0, 0], "engine_logprobs": [-1.0, -1.0],
    } | fields  # fmt: skip
    return TrainSample(**settings)


def loss_of(samples: list[TrainSample], logp: list[float], settings: LossSettings) -> tuple[float, StepStatistics]:
    [batch] = pack(samples, 1000)
    statistics = StepStatistics()
    entropy = torch.full((len(logp),), 0.5)
    loss = micro_batch_loss(batch, torch.tensor(logp, requires_grad=True), entropy, settings, statistics)
    return float(loss.detach()), statistics


def test_supervised_loss_is_the_weighted_negative_log_likelihood():
    # -(0.25 * -1 + 0.25 * -2)
    loss, statistics = loss_of([sample()], [-1.0, -2.0], LossSettings(objective=None))
    assert loss == pytest.approx(0.75)
    assert (float(statistics.tokens), statistics.entropy) == (2.0, 0.5)


def test_on_policy_ratio_is_one():
    # two tokens of weight 0.25, ratio 1, advantage 2: -(0.25 * 2 + 0.25 * 2)
    loss, statistics = loss_of([sample()], [-1.5, -0.5], LossSettings(algorithm_by_name("lpo")))
    assert loss == pytest.approx(-1.0)
    assert statistics.policy.ratio_mean == 1.0
    # |learner - engine| = 0.5 on both tokens
    assert statistics.mismatch.mean_abs == pytest.approx(0.5)


def test_a_sentence_moves_by_the_mean_of_its_log_ratios():
    # log-ratios 0.04 and 0.0: mean 0.02, ratio exp(0.02) = 1.0202 < 1.03, not clipped
    old = sample(old_logprobs=[-1.04, -2.0])
    loss, _ = loss_of([old], [-1.0, -2.0], LossSettings(algorithm_by_name("lpo")))
    assert loss == pytest.approx(-2 * 0.25 * 2.0 * 1.0202013, abs=1e-6)


def test_kl_and_entropy_terms_by_hand():
    # k2 = d^2 / 2 with d = 1 and 0: 0.25 * 0.5 = 0.125, times 0.1; the entropy bonus takes 0.01 * 0.25 * (0.5 + 0.5)
    plain = LossSettings(algorithm_by_name("lpo"))
    with_terms = replace(plain, kl_coefficient=0.1, entropy_bonus=0.01)
    one = [sample(reference_logprobs=[-2.0, -2.0])]
    difference = loss_of(one, [-1.0, -2.0], with_terms)[0] - loss_of(one, [-1.0, -2.0], plain)[0]
    assert difference == pytest.approx(0.0125 - 0.0025, abs=1e-6)


def test_truncated_importance_sampling_multiplies_the_terms():
    # learner -1, engine -1.5: k = exp(0.5) = 1.6487 on the first token, exp(1.5) capped at 2 on the second
    settings = LossSettings(algorithm_by_name("grpo"), mismatch=Mismatch(kind="tis"))
    one = [sample(old_logprobs=[-1.0, -1.0], engine_logprobs=[-1.5, -2.5])]
    loss, _ = loss_of(one, [-1.0, -1.0], settings)
    assert loss == pytest.approx(-0.25 * 2.0 * (1.6487213 + 2.0), abs=1e-6)


def test_an_idle_micro_batch_weighs_nothing_and_has_a_gradient_path():
    [batch] = pack([TrainSample(group=-1, prompt_ids=[0], response_ids=[0])], 2)
    logp, statistics = torch.tensor([-3.0], requires_grad=True), StepStatistics()
    loss = micro_batch_loss(batch, logp, torch.tensor([1.0]), LossSettings(algorithm_by_name("lpo")), statistics)
    loss.backward()
    assert (float(loss.detach()), logp.grad.tolist(), float(statistics.tokens)) == (0.0, [0.0], 0.0)


def test_parts_of_a_batch_add_up():
    torch.manual_seed(0)
    samples = [
        sample(group=g, prompt_ids=[1, g], response_ids=[3] * n, advantage=a, segment_ids=[i // 2 for i in range(n)],
               engine_logprobs=[-1.0] * n, old_logprobs=[-1.1] * n)
        for g, n, a in [(0, 3, 1.0), (0, 5, -1.0), (1, 4, 0.5), (1, 1, -0.5)]
    ]  # fmt: skip
    settings = LossSettings(algorithm_by_name("lpo"), entropy_bonus=0.1)
    whole = 0.0
    for budget in (1000, 12, 1):
        total, statistics = 0.0, StepStatistics()
        for batch in pack(samples, budget):
            logp = torch.stack([-1.0 - 0.01 * batch.column[i] for i in range(len(batch.targets))])
            total += float(micro_batch_loss(batch, logp, 0.2 * torch.ones_like(logp), settings, statistics))
        whole = whole or total
        assert total == pytest.approx(whole, abs=1e-6)
        assert float(statistics.tokens) == 13
        assert float(statistics.policy.segments) == 2 + 3 + 2 + 1


def test_watched_samples_bring_back_their_ratios_and_change_nothing():
    torch.manual_seed(1)
    samples = [
        sample(
            group=number // 2, member=number % 2, response_ids=[5, 6, 7], segment_ids=[0, 0, 1],
            old_logprobs=torch.randn(3).mul(0.1).sub(1.0).tolist(), engine_logprobs=[-1.0] * 3,
        )
        for number in range(4)
    ]  # fmt: skip
    logp, settings = torch.full((12,), -1.0).tolist(), LossSettings(algorithm_by_name("lpo"))
    loss, plain = loss_of(samples, logp, settings)
    watched = [replace(each, watch=each.group == 1) for each in samples]
    same, seen = loss_of(watched, logp, settings)
    assert loss == same
    assert plain.watched == {}
    assert torch.equal(plain.policy.sums(), seen.policy.sums())
    assert sorted(seen.watched) == [(1, 0), (1, 1)]
    first, second, third = samples[3].old_logprobs
    expected = [math.exp((-1.0 - first - 1.0 - second) / 2), math.exp(-1.0 - third)]
    assert seen.watched[1, 1].ratios == pytest.approx(expected, rel=1e-6)
    # Ranks and micro-batches: each brings its own back.
    parts = [loss_of([each], [-1.0] * 3, settings)[1].on_host() for each in watched]
    assert (parts[0] + parts[1] + parts[2] + parts[3]).watched.keys() == seen.watched.keys()
    joined = (parts[2] + parts[3]).watched[1, 1]
    assert joined.ratios == pytest.approx(expected, rel=1e-6)
