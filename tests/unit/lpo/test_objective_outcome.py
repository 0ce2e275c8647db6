"""The outcome of one response is what the statistics of the loss count."""

from __future__ import annotations

import math

import pytest
import torch

from lpo.objectives import policy_loss, response_outcome
from lpo.recipe.algorithm import algorithm_by_name

NAMES = ["lpo", "grpo", "dapo", "dr_grpo", "gspo", "gspo_token", "cispo"]


def test_sentences_by_hand():
    # log-ratios 0.2, 0 | -0.5 | (outside): exp(0.1) above 1.03 with A > 0; exp(-0.5) is not cut where A > 0
    logp = torch.tensor([[-1.0, -1.0, -1.0, 7.0]])
    old = torch.tensor([[-1.2, -1.0, -0.5, 9.0]])
    mask, ids = torch.tensor([[1, 1, 1, 0]]), torch.tensor([[0, 0, 1, -1]])
    up = response_outcome(policy_loss("lpo", logp, old, torch.tensor([1.0]), mask, ids), "segment", 0)
    assert up.ratios == pytest.approx([math.exp(0.1), math.exp(-0.5)], abs=1e-6)
    assert up.clips == ["high", ""]
    down = response_outcome(policy_loss("lpo", logp, old, torch.tensor([-1.0]), mask, ids), "segment", 0)
    assert down.clips == ["", "low"]
    # a dual clip at 1.05 cuts exp(0.1) = 1.105 where A < 0
    dual = replace_dual("lpo", 1.05)
    cut = response_outcome(policy_loss(dual, logp, old, torch.tensor([-1.0]), mask, ids), "segment", 0)
    assert cut.clips == ["dual", "low"]


def replace_dual(name: str, bound: float):
    return algorithm_by_name(name).model_copy(update={"dual_clip": bound})


@pytest.mark.parametrize("name", NAMES)
def test_outcomes_add_up_to_the_statistics(name):
    torch.manual_seed(3)
    lengths = [7, 0, 3, 12]
    mask = torch.zeros(4, 12)
    ids = torch.full((4, 12), -1)
    for row, length in enumerate(lengths):
        mask[row, :length] = 1
        ids[row, :length] = torch.arange(length) // 3
    logp, old = -3 * torch.rand(4, 12), -3 * torch.rand(4, 12)
    objective = algorithm_by_name(name)
    result = policy_loss(objective, logp, old, torch.tensor([1.0, 0.5, -1.0, -0.3]), mask, ids, max_length=12)
    outcomes = [response_outcome(result, objective.grain, row) for row in range(4)]
    ratios = [ratio for outcome in outcomes for ratio in outcome.ratios]
    clips = [clip for outcome in outcomes for clip in outcome.clips]
    statistics = result.statistics
    assert len(ratios) == len(clips) == int(statistics.segments)
    assert sum(ratios) == pytest.approx(float(statistics.ratio_sum), rel=1e-5)
    assert max(ratios) == pytest.approx(float(statistics.ratio_max))
    assert clips.count("low") == int(statistics.clipped_low)
    assert clips.count("high") == int(statistics.clipped_high)
    assert any(clips)
    assert outcomes[1].ratios == []


def test_a_tools_output_inside_a_response_is_skipped():
    logp = torch.tensor([[-1.0, 5.0, -1.0, -1.0]])
    old = torch.tensor([[-1.0, 0.0, -1.5, -1.0]])
    mask, ids = torch.tensor([[1, 0, 1, 1]]), torch.tensor([[0, -1, 0, 1]])
    result = policy_loss("lpo", logp, old, torch.tensor([1.0]), mask, ids)
    assert response_outcome(result, "segment", 0).ratios == pytest.approx([math.exp(0.25), 1.0], abs=1e-6)
