"""From scored groups to what the learner gets: advantages, segments, aggregation weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from lpo.advantages import group_advantages, zero_variance_groups
from lpo.objectives import response_weights
from lpo.recipe.stages import RlStage
from lpo.samples import Group, Response
from lpo.segmentation import segment
from trainers.packing import TrainSample


@dataclass(frozen=True)
class AdvantageSummary:
    """``zero_variance`` groups had equal rewards and taught nothing; ``masked`` responses were left out of the step."""

    groups: int
    zero_variance: int
    masked: int


def counts(response: Response, stage: RlStage) -> bool:
    """Whether a response takes part in the step: its reward is valid and it has tokens that may teach."""
    cut_off = response.truncated and stage.truncated == "mask"
    return response.reward is not None and len(response.token_ids) > 0 and not cut_off


def assign_advantages(groups: Sequence[Group], stage: RlStage) -> AdvantageSummary:
    """Sets ``advantage`` of every response; 0 for those that do not count."""
    responses = [response for group in groups for response in group.responses]
    group_ids = torch.tensor([i for i, group in enumerate(groups) for _ in group.responses])
    valid = torch.tensor([counts(response, stage) for response in responses], dtype=torch.bool)
    rewards = torch.tensor([response.reward or 0.0 for response in responses], dtype=torch.float64)
    for response, advantage in zip(
        responses, group_advantages(rewards, group_ids, stage.advantage_kind, valid=valid).tolist(), strict=True
    ):
        response.advantage = advantage
    return AdvantageSummary(
        groups=len(groups),
        zero_variance=zero_variance_groups(rewards, group_ids, valid=valid),
        masked=int((~valid).sum()),
    )


def shuffle_rewards(groups: Sequence[Group], seed: tuple[int, ...]) -> None:
    """Permutes the valid rewards of a batch among its responses: a control that must teach nothing."""
    responses = [response for group in groups for response in group.responses if response.reward is not None]
    order = np.random.default_rng(seed).permutation(len(responses))
    rewards = [response.reward for response in responses]
    for response, source in zip(responses, order, strict=True):
        response.reward = rewards[source]


def cut_into_segments(groups: Sequence[Group], stage: RlStage, tokenizer: Any) -> None:
    """Sets ``segment_ids`` of every response, by the stage's grain."""
    settings = stage.segmentation
    for group in groups:
        for response in group.responses:
            response.segment_ids = segment(
                response.token_ids, tokenizer, grain=settings.grain, max_tokens=settings.max_tokens
            )


def training_samples(groups: Sequence[Group], stage: RlStage) -> list[TrainSample]:
    """The responses that count, without weights: those belong to an optimiser step."""
    return [
        TrainSample(
            group=number,
            member=member,
            prompt_ids=group.prompt.token_ids,
            response_ids=response.token_ids,
            segment_ids=response.segment_ids,
            engine_logprobs=response.logprobs,
            old_logprobs=response.logprobs if stage.old_logprobs == "engine" else None,
        )
        for number, group in enumerate(groups)
        for member, response in enumerate(group.responses)
        if counts(response, stage)
    ]


def optimiser_batches(samples: Sequence[TrainSample], groups: int, stage: RlStage) -> list[list[TrainSample]]:
    """One pass over a rollout batch: ``minibatches`` optimiser steps of whole groups, each with weights of its own."""
    per_step = max(1, -(-groups // stage.minibatches))
    batches = []
    for first in range(0, groups, per_step):
        batch = [sample for sample in samples if first <= sample.group < first + per_step]
        if batch:
            batches.append(with_weights(batch, stage))
    return batches


def with_weights(batch: Sequence[TrainSample], stage: RlStage) -> list[TrainSample]:
    """Aggregation weights over one optimiser step's responses, all ranks and micro-batches together."""
    weights = response_weights(
        stage.algorithm,
        [len(sample.response_ids) for sample in batch],
        [sample.group for sample in batch],
        stage.max_response_tokens,
    )
    return [replace(sample, weight=weight) for sample, weight in zip(batch, weights.tolist(), strict=True)]


def supervised_batch(examples: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[TrainSample]:
    """Prompts and worked responses of a supervised step; every response token of the batch weighs the same."""
    tokens = sum(len(response) for _, response in examples)
    return [
        TrainSample(group=number, prompt_ids=prompt, response_ids=response, weight=1.0 / tokens)
        for number, (prompt, response) in enumerate(examples)
    ]


def teaches(sample: TrainSample, stage: RlStage) -> bool:
    """Whether the sample's gradient can differ from zero: a response of a zero-variance group has none of its own."""
    return sample.advantage != 0.0 or stage.entropy_bonus > 0 or (stage.kl.coefficient > 0 and stage.kl.place == "loss")
