"""Scoring a batch of groups: what rewards are given, how their values add up, and what happens when they fail."""

import asyncio
import math

import numpy as np
import pytest
import torch

from rewards import RewardResult, TrainerState, score_groups
from rewards.resolver import ResolvedReward
from tests.unit.rewards.scoring import group, values


def reward(function, weight=1.0, **params):
    return ResolvedReward(function.__name__, weight, function, params)


def length(responses, **columns):
    return [len(text) for text in responses]


def test_values_are_weighed_added_and_kept_as_components():
    def shout(responses):
        return [text.isupper() for text in responses]

    groups = [group("a", "ab", "ABC"), group("b", "x")]
    report = score_groups(groups, [reward(length, 2.0), reward(shout, 10.0)])
    # 2 x 2 + 0; 2 x 3 + 10; 2 x 1 + 0
    assert values(groups) == [4.0, 16.0, 2.0]
    assert groups[0].responses[1].components == {"length": 3.0, "shout": 1.0}
    assert report.means == {"length": 2.0, "shout": pytest.approx(1 / 3)}
    assert (report.samples, report.unrewarded, report.invalid) == (3, 0, {})


def test_weights_of_the_moment_replace_the_rewards_own():
    groups = [group("a", "abc")]
    score_groups(groups, [reward(length, 2.0)], weights=[0.5])
    assert values(groups) == [1.5]
    with pytest.raises(ValueError, match="2 weights for 1 rewards"):
        score_groups(groups, [reward(length)], weights=[1.0, 2.0])
    with pytest.raises(ValueError, match="no rewards"):
        score_groups(groups, [])


def test_a_reward_sees_what_trl_would_pass_and_more():
    seen = {}

    def spy(**arguments):
        seen.update(arguments)
        return [0.0] * 3

    state = TrainerState(global_step=7, max_steps=10)
    score_groups([group("a", "x", "y", chat=True, answer="1"), group("b", "z", level=2)], [reward(spy)], state)
    assert seen["prompts"] == [[{"role": "user", "content": "question a"}]] * 2 + ["question b"]
    assert seen["responses"] == ["x", "y", "z"]
    assert seen["completions"] == [*([{"role": "assistant", "content": text}] for text in "xy"), "z"]
    assert seen["completion_ids"] == [[ord(text)] for text in "xyz"]
    assert seen["group_ids"] == [0, 0, 1]
    assert seen["trainer_state"] is state
    assert (seen["answer"], seen["level"]) == (["1", "1", None], [None, None, 2])


def test_a_reward_written_for_trl_runs_unchanged():
    # The style of TRL's documentation: completions as messages, a column by name, metrics through log_metric.
    def accuracy(completions, answer, log_extra, log_metric, trainer_state, **kwargs):
        contents = [completion[0]["content"] for completion in completions]
        scores = [1.0 if right in content else 0.0 for content, right in zip(contents, answer, strict=True)]
        log_extra("right", answer)
        log_metric("accuracy", sum(scores) / len(scores))
        return [score * (trainer_state.global_step + 1) for score in scores]

    async def brevity(completions, **kwargs):
        await asyncio.sleep(0)
        return [None if "long" in completion[0]["content"] else 0.5 for completion in completions]

    groups = [group("a", "it is 4", "it is 5", "long 4", chat=True, answer="4")]
    report = score_groups(groups, [reward(accuracy), reward(brevity)], TrainerState(global_step=1))
    assert values(groups) == [2.5, 0.5, 2.0]
    assert report.metrics == {"accuracy": pytest.approx(2 / 3)}
    assert report.extra == {"right": ["4", "4", "4"]}
    assert report.not_applicable == {"brevity": 1}


def test_an_async_reward_is_awaited_where_an_event_loop_already_runs():
    async def slow(responses):
        await asyncio.sleep(0)
        return [1.0 for _ in responses]

    async def step():
        groups = [group("a", "x")]
        score_groups(groups, [reward(slow)])
        return values(groups)

    assert asyncio.run(step()) == [1.0]


def test_none_leaves_a_reward_out_and_all_none_leaves_the_sample_unrewarded():
    def short_only(responses):
        return [1.0 if len(text) < 3 else None for text in responses]

    groups = [group("a", "ab", "abc")]
    report = score_groups(groups, [reward(short_only)])
    assert values(groups) == [1.0, None]
    assert (report.unrewarded, report.invalid, report.not_applicable) == (1, {}, {"short_only": 1})
    assert report.invalid_fraction == 0.5
    score_groups(groups, [reward(short_only), reward(length)])
    assert values(groups) == [3.0, 3.0]


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (math.nan, "returned nan"),
        (math.inf, "returned inf"),
        ("1.0", "returned str"),
        ([1.0], "returned list"),
        (torch.zeros(2), "returned Tensor"),
        (RewardResult(math.nan), "returned nan"),
        (RewardResult.unjudged("the judge is away"), "the judge is away"),
    ],
)
def test_a_value_that_is_no_number_makes_its_sample_invalid_and_no_other(value, cause):
    def odd(responses):
        return [value if text == "odd" else 1.0 for text in responses]

    groups = [group("a", "odd", "even")]
    report = score_groups(groups, [reward(odd), reward(length)])
    assert values(groups) == [None, 5.0]
    assert report.invalid == {("odd", cause): 1}
    assert report.unrewarded == 1
    assert groups[0].responses[0].components == {"odd": None, "length": 3.0}


@pytest.mark.parametrize("value", [1, True, np.float32(1.0), torch.tensor(1.0), RewardResult(1.0)])
def test_everything_that_is_a_number_is_taken(value):
    groups = [group("a", "x")]
    score_groups(groups, [reward(lambda responses: [value])])
    assert values(groups) == [1.0]


def test_an_array_of_values_is_taken():
    groups = [group("a", "x", "yy")]
    score_groups(groups, [reward(lambda responses: torch.tensor([float(len(text)) for text in responses]))])
    assert values(groups) == [1.0, 2.0]


def test_a_wrong_number_of_values_makes_all_samples_invalid():
    def short(responses):
        return [1.0]

    groups = [group("a", "x", "y"), group("b", "z")]
    report = score_groups(groups, [reward(short)])
    assert values(groups) == [None, None, None]
    assert report.invalid == {("short", "returned a wrong number of values"): 3}
    assert report.tracebacks == {("short", "returned a wrong number of values"): "returned 1 values for 3 responses"}


def test_an_exception_costs_its_own_response_and_keeps_the_first_traceback():
    def fragile(responses):
        return [1 / len(text) for text in responses]

    groups = [group("a", "x", "xx"), group("b", "x", ""), group("c", "xxxx", "x")]
    report = score_groups(groups, [reward(fragile)])
    assert values(groups) == [1.0, 0.5, 1.0, None, 0.25, 1.0]
    assert report.invalid == {("fragile", "ZeroDivisionError"): 1}
    assert "1 / len(text)" in report.tracebacks["fragile", "ZeroDivisionError"]
    assert report.means == {"fragile": pytest.approx(3.75 / 5)}


def test_an_exception_costs_a_whole_group_where_the_reward_looks_at_groups():
    def rank(responses, group_ids):
        assert len(responses) in (2, 4)  # never a part of a group
        return [1 / len(text) for text in responses]

    groups = [group("a", "x", "xx"), group("b", "x", "")]
    report = score_groups(groups, [reward(rank)])
    assert values(groups) == [1.0, 0.5, None, None]
    assert report.invalid == {("rank", "ZeroDivisionError"): 2}


def test_a_reward_that_returns_nothing_is_invalid_and_not_zero():
    def forgot(responses):
        [len(text) for text in responses]

    groups = [group("a", "x")]
    report = score_groups(groups, [reward(forgot)])
    assert values(groups) == [None]
    assert report.invalid == {("forgot", "TypeError"): 1}


@pytest.mark.parametrize("kind", [dict.fromkeys, set])
def test_a_reward_that_returns_no_list_is_invalid(kind):
    def odd(responses):
        return kind(responses)

    groups = [group("a", "x", "y")]
    report = score_groups(groups, [reward(odd)])
    assert values(groups) == [None, None]
    assert report.invalid == {("odd", "TypeError"): 2}


def test_parts_and_info_of_a_result_are_recorded_but_not_added():
    def detailed(responses):
        return [RewardResult(1.0, {"spelling": 0.25}, {"read": text}) for text in responses]

    groups = [group("a", "x")]
    report = score_groups(groups, [reward(detailed, 3.0)])
    assert values(groups) == [3.0]
    assert groups[0].responses[0].components == {"detailed": 1.0, "detailed/spelling": 0.25}
    assert report.info == [{"detailed": {"read": "x"}}]
    assert report.means["detailed/spelling"] == 0.25


def test_scoring_again_forgets_the_first_time():
    groups = [group("a", "x")]
    score_groups(groups, [reward(length)])
    score_groups(groups, [reward(lambda responses: [None])])
    assert values(groups) == [None]
    assert groups[0].responses[0].components == {"<lambda>": None}
