"""From scored groups to weighted samples."""

import pytest

from lpo.recipe.runtime import Optimizer, RewardSpec
from lpo.recipe.stages import RlStage
from lpo.samples import Group, Prompt, Response
from trainers.training_batch import (
    assign_advantages,
    optimiser_batches,
    shuffle_rewards,
    supervised_batch,
    teaches,
    training_samples,
)


def stage(**fields) -> RlStage:
    settings = {"algorithm": "lpo", "prompts_per_step": 2, "steps": 1, "kind": "rl"} | fields
    return RlStage(optimizer=Optimizer(learning_rate=1e-3), rewards=[RewardSpec(reward="math")], **settings)


def group(rewards: list[float | None], lengths: list[int], finish: str = "stop") -> Group:
    prompt = Prompt(id="p", token_ids=[1, 2], content="q", question="q")
    responses = [
        Response([5] * n, [-1.0] * n, "x", finish, 0, reward=r, segment_ids=[0] * n)
        for r, n in zip(rewards, lengths, strict=True)
    ]
    return Group(prompt, responses)


def test_advantages_are_against_the_own_group():
    groups = [group([1.0, 0.0], [2, 2]), group([1.0, 1.0], [2, 2])]
    summary = assign_advantages(groups, stage())
    # std of (1, 0) is 0.5, so +-0.5 / 0.5; equal rewards give exactly 0
    assert [r.advantage for r in groups[0].responses] == pytest.approx([1.0, -1.0], abs=1e-5)
    assert [r.advantage for r in groups[1].responses] == [0.0, 0.0]
    assert (summary.groups, summary.zero_variance, summary.masked) == (2, 1, 0)


def test_an_invalid_reward_leaves_the_group_and_the_weights():
    groups = [group([1.0, None, 0.0], [2, 7, 2]), group([1.0, 0.0], [3, 3])]
    assert assign_advantages(groups, stage()).masked == 1
    samples = training_samples(groups, stage())
    assert [(s.group, s.member) for s in samples] == [(0, 0), (0, 2), (1, 0), (1, 1)]
    [batch] = optimiser_batches(samples, 2, stage())
    # LPO by group: 1 / (2 groups x tokens of the group that count): 4 and 6.
    assert [s.weight for s in batch] == pytest.approx([1 / 8, 1 / 8, 1 / 12, 1 / 12])


def test_truncated_responses_are_masked_by_choice():
    groups = [group([1.0, 0.0], [2, 2], finish="length")]
    assert len(training_samples(groups, stage())) == 2
    assert training_samples(groups, stage(truncated="mask")) == []


def test_minibatches_are_whole_groups_with_weights_of_their_own():
    groups = [group([1.0, 0.0], [2, 2]) for _ in range(4)]
    settings = stage(prompts_per_step=4, minibatches=2)
    batches = optimiser_batches(training_samples(groups, settings), 4, settings)
    assert [[s.group for s in batch] for batch in batches] == [[0, 0, 1, 1], [2, 2, 3, 3]]
    for batch in batches:
        assert sum(s.weight * len(s.response_ids) for s in batch) == pytest.approx(1.0)


def test_a_batch_without_groups_has_no_steps():
    # dynamic sampling can drop every group
    assert assign_advantages([], stage()).groups == 0
    assert optimiser_batches([], 0, stage(minibatches=2)) == []


def test_supervised_tokens_weigh_the_same():
    samples = supervised_batch([([1], [2, 3, 4]), ([1, 2], [5])])
    assert [s.weight for s in samples] == [0.25, 0.25]


def test_shuffled_rewards_are_the_same_rewards():
    groups = [group([1.0, 2.0, None], [1, 1, 1]), group([3.0, 4.0, 5.0], [1, 1, 1])]
    shuffle_rewards(groups, seed=(0, 1))
    rewards = [r.reward for g in groups for r in g.responses]
    assert rewards[2] is None
    assert sorted(r for r in rewards if r is not None) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert rewards != [1.0, 2.0, None, 3.0, 4.0, 5.0]


def test_a_sample_without_advantage_teaches_only_through_other_terms():
    [sample, *_] = training_samples([group([1.0, 1.0], [1, 1])], stage())
    assert not teaches(sample, stage())
    assert teaches(sample, stage(entropy_bonus=0.01))
