"""The prompts that Evo-CoT deals, and the rewards that it composes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from lpo.recipe.curriculum import EvoCot
from lpo.samples import Group, Prompt, Response
from trainers.curriculum import EvoCotPrompts, PromptsInTurn, ReasoningMarkers
from trainers.data import PromptOrder


class Vocabulary:
    def __init__(self, **tokens: int) -> None:
        self._tokens = tokens

    def get_vocab(self) -> dict[str, int]:
        return self._tokens


PROMPTS = [Prompt(f"p{number}", [number], f"p{number}", f"p{number}") for number in range(12)]


def dealer(settings: dict[str, Any] | None = None, prompts: Sequence[Prompt] = PROMPTS) -> EvoCotPrompts:
    given = {"kind": "evo_cot", "prior": 0.5, "phases": [{"easy_alpha": 0.6, "hard_alpha": 0.0}]}
    recipe = EvoCot.model_validate(given | (settings or {}))
    return EvoCotPrompts(PromptOrder(prompts, seed=3), prompts, recipe, Vocabulary(), seed=3)


def response(tokens: int, value: float | None, text: str = "", **others: float) -> Response:
    reward = None if value is None else value + sum(others.values())
    return Response([5] * tokens, [0.0] * tokens, text, "stop", 0, reward=reward, components={"math": value, **others})


def answered(prompt: Prompt, right: int, total: int = 4) -> Group:
    return Group(prompt, [response(10, float(number < right)) for number in range(total)])


def names(prompts: Sequence[Prompt]) -> list[str]:
    return [prompt.id for prompt in prompts]


def test_without_a_curriculum_prompts_come_in_turn():
    plain, order = PromptsInTurn(PromptOrder(PROMPTS, seed=3)), PromptOrder(PROMPTS, seed=3)
    assert plain.take(5) == order.take(5)
    group = Group(PROMPTS[0], [response(9, 1.0)])
    plain.observe([group])
    assert (group.responses[0].reward, plain.metrics()) == (1.0, {})
    assert plain.state_dict() == order.state_dict()


def test_rewards_are_composed_for_the_difficulty_of_the_prompt():
    prompts = dealer()
    group = Group(
        PROMPTS[0], [response(10, 1.0), response(20, 0.0), response(30, 1.0, "<think> so"), response(40, 0.0)]
    )
    prompts.observe([group])
    # Two of four right and a prior of one half: rate 1/2, alpha 0.3. p = 1/2, 1/6, -1/6, -1/2.
    assert [each.reward for each in group.responses] == pytest.approx([1.15, 0.0, 1 - 0.05 - 0.5, -0.15])
    assert group.responses[2].components == {
        "math": 1.0,
        "evo_cot/length": pytest.approx(-0.05),
        "evo_cot/format": -0.5,
    }
    assert next(iter(group.responses[2].components)) == "math"  # still the one that says right or wrong


def test_other_rewards_stay_as_task_terms_and_a_partial_mark_counts_as_right():
    prompts = dealer()
    group = Group(PROMPTS[0], [response(10, 0.9, style=0.25), response(10, 0.2, style=0.5)])
    prompts.observe([group])
    # Equal lengths: p = 1/2. One of two right: rate 1/2, alpha 0.3.
    assert [each.reward for each in group.responses] == pytest.approx([1 + 0.15 + 0.25, 0.0 + 0.5])


def test_a_response_whose_reward_failed_is_left_out_of_its_group():
    prompts = dealer()
    group = Group(PROMPTS[0], [response(1, None), response(10, 1.0), response(20, 1.0)])
    prompts.observe([group])
    assert group.responses[0].reward is None
    # Both valid ones are right: rate (2 + 4 x 0.5) / (2 + 4), alpha 0.4; the failed one is not the shortest.
    assert [each.reward for each in group.responses[1:]] == pytest.approx([1.2, 0.8])


def test_hard_prompts_fill_their_share_and_no_prompt_comes_twice():
    prompts = dealer({"hard_share": 0.5, "hard_below": 0.5})
    first = prompts.take(4)
    assert names(first) == names(PromptOrder(PROMPTS, seed=3).take(4))  # nothing is known yet
    prompts.observe([answered(prompt, right=0) for prompt in first])
    second = prompts.take(4)
    assert len(set(names(second))) == 4
    assert sum(prompt in first for prompt in second) == 2


def test_solved_prompts_are_passed_over_until_their_check():
    prompts = dealer({"retire_after": 1, "recheck_after": 5, "hard_share": 0.0})
    solved = prompts.take(6)
    prompts.observe([answered(prompt, right=4) for prompt in solved])
    for _ in range(4):
        batch = prompts.take(3)
        assert not set(names(batch)) & set(names(solved))
        prompts.observe([answered(prompt, right=1) for prompt in batch])
    for _ in range(4):
        batch = prompts.take(3)
        prompts.observe([answered(prompt, right=4) for prompt in batch])
        if set(names(batch)) & set(names(solved)):
            assert prompts.metrics()["curriculum/rechecked"] > 0
            return
    raise AssertionError("no solved prompt was checked again")


def test_when_everything_is_solved_prompts_still_come():
    prompts = dealer({"retire_after": 1, "recheck_after": 100})
    prompts.observe([answered(prompt, right=4) for prompt in PROMPTS])
    assert len(prompts.take(5)) == 5


def test_a_data_set_smaller_than_a_batch_repeats_itself():
    few = PROMPTS[:3]
    prompts = dealer({"hard_share": 0.5}, few)
    prompts.observe([answered(prompt, right=0) for prompt in few])
    assert len(prompts.take(8)) == 8


def train(prompts: EvoCotPrompts, steps: range) -> list[Any]:
    """Answers that depend on prompt and step only; what was dealt and what it was worth."""
    log = []
    for step in steps:
        batch = prompts.take(4)
        groups = [answered(prompt, right=(prompt.token_ids[0] * 7 + step) % 6) for prompt in batch]
        prompts.observe(groups)
        log.append((names(batch), [[each.reward for each in group.responses] for group in groups], prompts.metrics()))
    return log


@pytest.mark.parametrize("stopped_at", [1, 9, 20])
def test_a_resumed_run_deals_and_rewards_as_the_uninterrupted_one(stopped_at: int):
    settings = {"retire_after": 1, "recheck_after": 3, "hard_share": 0.5}
    whole = train(dealer(settings), range(30))
    stopped = dealer(settings)
    before = train(stopped, range(stopped_at))
    resumed = dealer(settings)
    resumed.load_state_dict(json.loads(json.dumps(stopped.state_dict())))
    assert before + train(resumed, range(stopped_at, 30)) == whole


def test_markers_are_found_in_the_text_and_among_special_tokens():
    markers = ReasoningMarkers(["<think>", "</think>"], Vocabulary(**{"<think>": 77}))
    assert markers.occur_in(response(2, 1.0, "so </think> 4"))
    assert not markers.occur_in(response(2, 1.0, "I think so"))
    special = response(2, 1.0, "4")  # decoding leaves special tokens out
    special.token_ids[0] = 77
    assert markers.occur_in(special)
