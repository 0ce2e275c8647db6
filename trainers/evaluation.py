"""How good the policy is on questions that it never trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lpo.recipe.stages import DftStage, RlStage
from lpo.samples import Group, Prompt
from rewards.call import score_groups
from rewards.isolation import IsolatedReward
from rollout.requests import SampleRequest
from trainers.frontier import RunFrontier
from trainers.run import Run, StepClock, sampling_seed


def evaluate(run: Run, stage: DftStage | RlStage, clock: StepClock) -> dict[str, float]:
    """Accuracy with its 95% interval, sampled at the stage's temperature and greedy, response length, and the area
    under the frontier of the two over the run's evaluations so far.

    The first reward that the stage lists decides whether a response is right (more than one half). The prompts and the
    seeds of the samples are the same at every evaluation, so that differences are the policy's.
    """
    with clock("eval"):
        prompts = run.dataset.held_out[: stage.evaluation.items]
        rewards = run.rewards(run.recipe.rewards_of(stage))
        groups, greedy, invalid = judged(run.fleet, rewards, stage, prompts)
        metrics = metrics_of(groups, greedy) | {"eval/invalid": invalid}
        metrics["eval/token_limit"] = float(stage.max_response_tokens)
        run.folder.save_evaluation(stage.name, run.state.global_step, verdicts(groups))
        this = {"stage": stage.name, "step": run.state.global_step, **metrics}
        so_far = RunFrontier.of(run.folder.path.name, [*run.folder.metrics(), this])
        return metrics | {"eval/frontier_area": so_far.area()}


def evaluate_test(run: Run, stage: RlStage, clock: StepClock) -> dict[str, float]:
    """Sampled accuracy on the stage's test prompts, which follow those of ``evaluate``; empty where it has none."""
    settings = stage.evaluation
    prompts = run.dataset.held_out[settings.items : settings.items + settings.test_items]
    if not prompts:
        return {}
    with clock("eval"):
        rewards = run.rewards(run.recipe.rewards_of(stage))
        groups, _, _ = judged(run.fleet, rewards, stage, prompts, greedy=False)
        found = metrics_of(groups, [])
    names = ("accuracy", "accuracy_low", "accuracy_high", "items")
    return {f"eval/test_{name}": found[f"eval/{name}"] for name in names}


def judged(
    fleet: Any,
    rewards: Sequence[IsolatedReward],
    stage: DftStage | RlStage,
    prompts: Sequence[Prompt],
    *,
    greedy: bool | None = None,
) -> tuple[list[Group], list[Group], float]:
    """The prompts' groups sampled at the stage's temperature, those decoded greedily (where ``greedy``, by default as
    the stage says), and the part of all responses that the rewards could not judge."""
    settings, limit = stage.evaluation, stage.max_response_tokens
    again = prompts if (settings.greedy if greedy is None else greedy) else []
    sampled = [
        SampleRequest(
            token_ids=prompt.token_ids,
            samples=settings.samples,
            max_tokens=limit,
            temperature=stage.temperature,
            seed=sampling_seed("eval", settings.seed, prompt.id),
        )
        for prompt in prompts
    ]
    decoded = [SampleRequest(token_ids=prompt.token_ids, max_tokens=limit, temperature=0.0) for prompt in again]
    responses = fleet.generate([*sampled, *decoded])
    groups = [Group(prompt, made) for prompt, made in zip([*prompts, *again], responses, strict=True)]
    report = score_groups(groups, rewards)
    return groups[: len(prompts)], groups[len(prompts) :], report.invalid_fraction


def evaluate_start(run: Run, stage: DftStage | RlStage) -> None:
    """What the stage starts from, logged at the last step of what came before."""
    clock = StepClock()
    metrics = evaluate(run, stage, clock) | {"weights/version": float(run.state.version)}
    run.log(stage.name, metrics | clock.metrics())
    run.keep_best(metrics)


def metrics_of(sampled: Sequence[Group], greedy: Sequence[Group]) -> dict[str, float]:
    """Accuracy with its interval, the mean reward, lengths, how many of the prompts' first responses differ (a part of
    all), and the accuracy of the groups decoded greedily, if there are any."""
    right = [[correct(response.components) for response in group.responses] for group in sampled]
    shares = [sum(each) / len(each) for each in right]
    accuracy = sum(shares) / len(shares)
    low, high = interval(shares, samples=len(right[0]))
    lengths = [len(response.token_ids) for group in sampled for response in group.responses]
    cut = [response.truncated for group in sampled for response in group.responses]
    rewards = [response.reward for group in sampled for response in group.responses if response.reward is not None]
    metrics = {
        "eval/accuracy": accuracy,
        "eval/accuracy_low": low,
        "eval/accuracy_high": high,
        "eval/mean_tokens": sum(lengths) / len(lengths),
        "eval/truncated": sum(cut) / len(cut),
        "eval/distinct": len({group.responses[0].text for group in sampled}) / len(sampled),
        "eval/items": float(len(sampled)),
    }
    if rewards:
        metrics["eval/reward"] = sum(rewards) / len(rewards)
    if greedy:
        verdicts = [correct(group.responses[0].components) for group in greedy]
        metrics["eval/accuracy_greedy"] = sum(verdicts) / len(verdicts)
    return metrics


def correct(components: dict[str, float | None]) -> bool:
    """Whether the first reward listed says that a response is right; an invalid reward says no."""
    first = next(iter(components.values()), None) if components else None
    return first is not None and first > 0.5


def verdicts(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """What a comparison of two policies on the same prompts needs: by prompt, what was right, rewarded, how long."""
    return [
        {
            "prompt_id": group.prompt.id,
            "right": [correct(response.components) for response in group.responses],
            "rewards": [response.reward for response in group.responses],
            "tokens": [len(response.token_ids) for response in group.responses],
        }
        for group in groups
    ]


def interval(shares: Sequence[float], samples: int) -> tuple[float, float]:
    """95% interval of the mean of per-prompt shares of right responses.

    One sample a prompt: Wilson's interval, which stays inside [0, 1]. Several: the normal interval over prompts, since
    the samples of one prompt are not independent.
    """
    z, n = 1.959964, len(shares)
    mean = sum(shares) / n
    if samples == 1:
        centre = (mean + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(mean * (1 - mean) / n + z * z / (4 * n * n))
    else:
        variance = sum((share - mean) ** 2 for share in shares) / max(1, n - 1)
        centre, half = mean, z * math.sqrt(variance / n)
    return max(0.0, centre - half), min(1.0, centre + half)
