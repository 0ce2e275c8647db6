"""The reinforcement stage, synchronous: sample, reward, learn, hand the new weights back."""

from __future__ import annotations

import time
from dataclasses import replace

from lpo.kl import kl_estimate
from lpo.recipe.stages import RlStage
from lpo.samples import Group
from trainers.curriculum import training_prompts
from trainers.evaluation import evaluate, evaluate_start, evaluate_test
from trainers.learner_batch import LossSettings, StepStatistics
from trainers.packing import TrainSample
from trainers.rl_metrics import rollout_metrics, statistics_metrics
from trainers.run import Run, StepClock
from trainers.sampling import sample_groups
from trainers.schedule import learning_rate
from trainers.tracking.traces import trace_of
from trainers.training_batch import (
    AdvantageSummary,
    assign_advantages,
    cut_into_segments,
    optimiser_batches,
    shuffle_rewards,
    teaches,
    training_samples,
)


def train_rl(run: Run, stage: RlStage) -> None:
    """From ``run.state.step`` to the stage's last step, or the one that spends its tokens. One step is one batch."""
    if run.state.step == 0:
        evaluate_start(run, stage)
    prompts = training_prompts(run, stage)
    last = False
    while not last:
        clock = StepClock()
        groups, report = sample_groups(run, stage, prompts, clock)
        if stage.shuffle_rewards:
            shuffle_rewards(groups, seed=(run.recipe.seed, run.state.step))
        with clock("segment"):
            cut_into_segments(groups, stage, run.tokenizer)
        with clock("learn"):
            summary, statistics = _learn(run, stage, groups)
        metrics = rollout_metrics(groups, report, summary, stage)
        metrics |= statistics_metrics(statistics, stage, _updates(run, stage))
        metrics |= prompts.metrics()
        metrics["staleness/mean"] = _staleness(groups, run.state.version)
        run.probe_with(groups)
        run.publish(clock)

        run.state.advance(report.generated_tokens)
        last = run.state.step == stage.steps or _spent(run, stage)
        if last or (stage.evaluation.every and run.state.step % stage.evaluation.every == 0):
            metrics |= evaluate(run, stage, clock)
        if last:
            metrics |= evaluate_test(run, stage, clock)
        saved = groups[: run.recipe.tracking.sampled_groups]
        run.folder.save_rollouts(stage.name, run.state.global_step, saved, run.tokenizer)
        for number, group in enumerate(groups[: run.recipe.tracking.traces]):
            run.tracker.trace(trace_of(stage.name, run.state.global_step, number, group, time.time_ns()))
        metrics["weights/version"] = float(run.state.version)
        times = clock.metrics()
        rate = {"rate/tokens_per_s": report.generated_tokens / times["time/step"]}
        run.log(stage.name, metrics | times | rate)
        run.keep_best(metrics)
        run.end_step(stage.name, last=last)


def _spent(run: Run, stage: RlStage) -> bool:
    return stage.rollout_tokens is not None and run.state.stage_tokens >= stage.rollout_tokens


def _staleness(groups: list[Group], version: int) -> float:
    """Weight versions, on average, between the policy that made the responses and the one that learns from them."""
    versions = [response.weight_version for group in groups for response in group.responses]
    return sum(version - each for each in versions) / len(versions) if versions else 0.0


def _learn(run: Run, stage: RlStage, groups: list[Group]) -> tuple[AdvantageSummary, list[StepStatistics]]:
    """All optimiser steps of one rollout batch."""
    needs_reference = stage.kl.coefficient > 0
    samples = training_samples(groups, stage)
    if samples and (needs_reference or not (stage.on_policy or stage.old_logprobs == "engine")):
        samples = _with_logprobs(run, stage, samples, reference=needs_reference)
        if needs_reference and stage.kl.place == "reward":
            _penalise_divergence(groups, samples, stage)
    summary = assign_advantages(groups, stage)
    samples = [_assigned(run, groups, sample) for sample in samples]
    settings = _loss_settings(stage)
    statistics: list[StepStatistics] = []
    update, total_updates = _updates(run, stage)
    for epoch in range(stage.epochs):
        for number, batch in enumerate(optimiser_batches(samples, len(groups), stage)):
            rate = learning_rate(stage.optimizer, update + epoch * stage.minibatches + number, total_updates)
            taught = [sample for sample in batch if teaches(sample, stage)]
            first = epoch == 0 and number == 0
            if first and not taught:
                taught = batch[:1]  # its gradient is zero, but engine and learner are compared in every step
            settings_now = replace(settings, measure_mismatch=first or stage.old_logprobs == "learner")
            statistics.append(run.learner.step(taught, settings_now, rate))
            for (group, member), outcome in statistics[-1].watched.items():
                groups[group].responses[member].outcome = outcome
    return summary, statistics


def _assigned(run: Run, groups: list[Group], sample: TrainSample) -> TrainSample:
    """With its advantage; watched where its group is saved."""
    advantage = groups[sample.group].responses[sample.member].advantage
    return replace(sample, advantage=advantage, watch=sample.group < run.recipe.tracking.watched_groups)


def _updates(run: Run, stage: RlStage) -> tuple[int, int]:
    """Optimiser steps before this rollout batch, and of the whole stage."""
    per_batch = stage.epochs * stage.minibatches
    return run.state.step * per_batch, stage.steps * per_batch


def _loss_settings(stage: RlStage) -> LossSettings:
    return LossSettings(
        objective=stage.algorithm,
        temperature=stage.temperature,
        kl_coefficient=stage.kl.coefficient if stage.kl.place == "loss" else 0.0,
        kl_estimator=stage.kl.estimator,
        entropy_bonus=stage.entropy_bonus,
        mismatch=stage.mismatch,
        old_from_engine=stage.old_logprobs == "engine",
    )


def _with_logprobs(run: Run, stage: RlStage, samples: list[TrainSample], *, reference: bool) -> list[TrainSample]:
    """Old log-probs by the learner where ratios need them, and the reference's where a divergence is measured."""
    if stage.old_logprobs == "learner" and (not stage.on_policy or stage.kl.place == "reward"):
        old = run.learner.logprobs(samples, stage.temperature)
        samples = [replace(sample, old_logprobs=row) for sample, row in zip(samples, old, strict=True)]
    if reference:
        rows = run.learner.logprobs(samples, stage.temperature, reference=True)
        samples = [replace(sample, reference_logprobs=row) for sample, row in zip(samples, rows, strict=True)]
    return samples


def _penalise_divergence(groups: list[Group], samples: list[TrainSample], stage: RlStage) -> None:
    """KL in the reward: minus beta times the k1 estimate, summed over the response."""
    import torch

    for sample in samples:
        response = groups[sample.group].responses[sample.member]
        old = torch.tensor(sample.old_logprobs, dtype=torch.float64)
        reference = torch.tensor(sample.reference_logprobs, dtype=torch.float64)
        divergence = float(kl_estimate(stage.kl.estimator, old, reference).sum())
        assert response.reward is not None
        response.components["kl"] = -stage.kl.coefficient * divergence
        response.reward -= stage.kl.coefficient * divergence
