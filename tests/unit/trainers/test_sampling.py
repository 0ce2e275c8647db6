"""How a batch is put together, with an engine that answers from a list."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from lpo.recipe.stages import RlStage
from lpo.samples import Group, Prompt, Response
from rewards.contract import RewardResult
from rewards.resolver import resolve_all
from rollout.requests import SampleRequest
from trainers.curriculum import PromptsInTurn
from trainers.data import PromptOrder
from trainers.rl_metrics import rollout_metrics
from trainers.run import Run, StepClock
from trainers.sampling import TooManyInvalidError, sample_groups
from trainers.training_batch import AdvantageSummary


def graded(responses: Sequence[str], log_metric: Any, log_extra: Any, **_: Any) -> list[RewardResult]:
    """Right where the response says so; remembers what it saw."""
    log_metric("letters", sum(map(len, responses)))
    log_extra("first", [text[:1] for text in responses])
    return [RewardResult(float(text == "right"), info={"seen": text}) for text in responses]


def broken(**_: Any) -> list[float]:
    raise RuntimeError("the judge is ill")


def stage_with(reward: str, **fields: Any) -> RlStage:
    given = {"kind": "rl", "steps": 1, "prompts_per_step": 2, "group_size": 2, "algorithm": "lpo"}
    optimizer = {"learning_rate": 1e-4}
    return RlStage.model_validate(given | fields | {"rewards": [{"reward": reward}], "optimizer": optimizer})


def run_that_answers(texts: dict[str, list[str]]) -> Any:
    """As much of a run as sampling needs; the prompt of each id is answered by its texts."""
    prompts = {(number,): name for number, name in enumerate(texts)}

    def generate(requests: Sequence[SampleRequest]) -> list[list[Response]]:
        names = [prompts[tuple(request.token_ids)] for request in requests]
        return [[Response([1], [0.0], text, "stop", 3) for text in texts[name]] for name in names]

    return SimpleNamespace(
        recipe=SimpleNamespace(seed=0, engine=SimpleNamespace(seed_requests=True)),
        state=SimpleNamespace(step=0),
        fleet=SimpleNamespace(generate=generate),
        rewards=resolve_all,
    )


def order(names: Sequence[str]) -> Any:
    prompts = [Prompt(name, [number], name, name) for number, name in enumerate(names)]
    dealer = PromptOrder(prompts, seed=0)
    dealer._permutation = list(range(len(prompts)))  # in the order given
    return PromptsInTurn(dealer)


HERE = "tests.unit.trainers.test_sampling"


def test_what_rewards_record_stays_with_its_response_and_in_the_metrics():
    run = run_that_answers({"a": ["right", "wrong"], "b": ["wrong", "wrong"]})
    stage = stage_with(f"{HERE}:graded")
    groups, report = sample_groups(run, stage, order("ab"), StepClock())
    assert [[each.reward for each in group.responses] for group in groups] == [[1.0, 0.0], [0.0, 0.0]]
    (name,) = groups[0].responses[0].components
    assert groups[0].responses[1].notes == {name: {"seen": "wrong"}, "first": "w"}
    metrics = rollout_metrics(groups, report, AdvantageSummary(2, 1, 0), stage)
    assert metrics["reward_log/letters"] == 20  # four words of five letters
    assert metrics["reward/mean"] == 0.25


def test_sentences_are_counted_over_the_batch():
    stage = stage_with("math")
    responses = [Response([1] * 6, [0.0] * 6, "", "stop", 0, segment_ids=[0, 0, 0, 0, 1, 1])]
    responses += [Response([1] * 3, [0.0] * 3, "", "stop", 0, segment_ids=[0, 0, 0])]
    report = SimpleNamespace(logged={}, dropped_groups=0, missing_groups=0)
    metrics = rollout_metrics([Group(Prompt("p", [1], "p", "p"), responses)], report, AdvantageSummary(1, 0, 0), stage)  # type: ignore[arg-type]
    assert (metrics["response/sentences"], metrics["response/tokens_per_sentence"]) == (1.5, 3.0)


def test_dynamic_sampling_replaces_groups_that_agree():
    run = run_that_answers({"a": ["right", "right"], "b": ["right", "wrong"], "c": ["wrong", "right"]})
    groups, report = sample_groups(run, stage_with(f"{HERE}:graded", dynamic_sampling=True), order("abc"), StepClock())
    assert [group.prompt.id for group in groups] == ["b", "c"]
    assert (report.rounds, report.dropped_groups, report.missing_groups) == (2, 1, 0)


def test_dynamic_sampling_gives_up_and_counts_what_is_missing():
    run = run_that_answers({"a": ["right", "right"]})
    stage = stage_with(f"{HERE}:graded", dynamic_sampling=True, max_sampling_rounds=3)
    groups, report = sample_groups(run, stage, order("a"), StepClock())
    assert groups == []
    assert (report.rounds, report.dropped_groups, report.missing_groups) == (3, 6, 2)


def test_too_many_invalid_rewards_stop_the_run_with_the_first_traceback():
    run = run_that_answers({"a": ["right", "wrong"], "b": ["wrong", "wrong"]})
    with pytest.raises(TooManyInvalidError, match=r"4 of 4 responses [\s\S]*RuntimeError[\s\S]*the judge is ill"):
        sample_groups(run, stage_with(f"{HERE}:broken"), order("ab"), StepClock())


def test_kl_in_the_reward_is_a_mean_over_tokens():
    stage = stage_with("math", kl={"coefficient": 0.5, "estimator": "k1", "place": "reward"})
    responses = [Response([1, 2], [0, 0], "", "stop", 0, reward=0.0, components={"math": 0.0, "kl": -0.3})]
    responses += [Response([1, 2, 3], [0, 0, 0], "", "stop", 0, reward=0.0, components={"math": 0.0, "kl": 0.1})]
    group = Group(Prompt("p", [1], "p", "p"), responses)
    report = SimpleNamespace(logged={}, dropped_groups=0, missing_groups=0)
    metrics = rollout_metrics([group], report, AdvantageSummary(1, 0, 0), stage)  # type: ignore[arg-type]
    assert metrics["policy/kl"] == pytest.approx((0.3 - 0.1) / 0.5 / 5)  # nats a token


def test_probes_are_the_responses_that_the_engines_were_least_sure_of():
    run = object.__new__(Run)
    run.max_length = 10
    run._probe = []
    prompt = Prompt("p", [7] * 4, "p", "p")
    sure, unsure, long = (Response([1, 2], [-0.1, -0.1], "", "stop", 0), Response([3], [-2.0], "", "stop", 0),
                          Response([5] * 9, [-0.5] * 9, "", "stop", 0))  # fmt: skip
    Run.probe_with(run, [Group(prompt, [sure, unsure, long, sure])])
    # Five tokens are what the model's length leaves beside the prompt and the token after it.
    assert run._probe == [([7] * 4, [5] * 5), ([7] * 4, [3])]
    Run.probe_with(run, [])
    assert len(run._probe) == 2  # nothing fresh: the ones before stay
