"""One rollout batch: prompts, responses, rewards; with dynamic sampling, until enough groups can teach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lpo.errors import RunError
from lpo.recipe.stages import RlStage
from lpo.samples import Group, Prompt
from rewards.call import RewardReport, score_groups
from rewards.contract import TrainerState
from rollout.requests import SampleRequest
from trainers.curriculum import TrainingPrompts
from trainers.evaluation import correct
from trainers.run import Run, StepClock, sampling_seed


class TooManyInvalidError(RunError):
    """More rewards failed than the recipe allows; carries the first traceback."""


@dataclass
class SamplingReport:
    """What making a batch took."""

    logged: dict[str, list[float]] = field(default_factory=dict)
    """What rewards logged by ``log_metric``, a value a round."""
    generated_tokens: int = 0
    rounds: int = 0
    dropped_groups: int = 0
    missing_groups: int = 0


def sample_groups(
    run: Run, stage: RlStage, prompts: TrainingPrompts, clock: StepClock
) -> tuple[list[Group], SamplingReport]:
    """``prompts_per_step`` scored groups.

    With dynamic sampling, groups whose responses are all right or all wrong are replaced by new prompts, for at most
    ``max_sampling_rounds`` rounds.

    Raises:
        TooManyInvalidError: more rewards failed than ``max_invalid`` allows.
    """
    dynamic = stage.dynamic_sampling if stage.dynamic_sampling is not None else stage.algorithm.name == "dapo"
    report, kept = SamplingReport(), list[Group]()
    while len(kept) < stage.prompts_per_step and report.rounds < (stage.max_sampling_rounds if dynamic else 1):
        groups = _one_round(run, stage, prompts.take(stage.prompts_per_step - len(kept)), report, clock)
        prompts.observe(groups)
        mixed = [group for group in groups if _mixed(group)] if dynamic else groups
        report.dropped_groups += len(groups) - len(mixed)
        kept.extend(mixed)
    report.missing_groups = stage.prompts_per_step - len(kept)
    return kept, report


def _one_round(
    run: Run, stage: RlStage, prompts: list[Prompt], report: SamplingReport, clock: StepClock
) -> list[Group]:
    requests = [
        SampleRequest(
            token_ids=prompt.token_ids,
            samples=stage.group_size,
            max_tokens=stage.max_response_tokens,
            temperature=stage.temperature,
            seed=sampling_seed(run.recipe.seed, stage.name, run.state.step, report.rounds, slot)
            if run.recipe.engine.seed_requests
            else None,
        )
        for slot, prompt in enumerate(prompts)
    ]
    with clock("rollout"):
        responses = run.fleet.generate(requests)
    groups = [Group(prompt, made) for prompt, made in zip(prompts, responses, strict=True)]
    with clock("reward"):
        state = TrainerState(global_step=run.state.step, max_steps=stage.steps)
        scored = score_groups(groups, run.rewards(stage.rewards), state)
    if scored.invalid_fraction > stage.max_invalid:
        raise TooManyInvalidError(_too_many(scored, stage))
    note(groups, scored)
    for name, value in scored.metrics.items():
        report.logged.setdefault(name, []).append(value)
    report.rounds += 1
    report.generated_tokens += sum(len(response.token_ids) for group in groups for response in group.responses)
    return groups


def note(groups: Sequence[Group], scored: RewardReport) -> None:
    """Keeps with every response what rewards recorded about it."""
    responses = [response for group in groups for response in group.responses]
    for response, info in zip(responses, scored.info, strict=True):
        response.notes = dict(info)
    for column, values in scored.extra.items():
        if len(values) == len(responses):
            for response, value in zip(responses, values, strict=True):
                response.notes[column] = value


def _too_many(scored: RewardReport, stage: RlStage) -> str:
    causes = ", ".join(f"{count} by {name} ({cause})" for (name, cause), count in scored.invalid.items())
    trace = next(iter(scored.tracebacks.values()), "")
    return (
        f"{scored.unrewarded} of {scored.samples} responses have no valid reward, more than max_invalid "
        f"{stage.max_invalid} allows: {causes}. Mend the reward, or raise max_invalid.\n{trace}"
    )


def _mixed(group: Group) -> bool:
    valid = [response for response in group.responses if response.reward is not None]
    return len({correct(response.components) for response in valid}) > 1
