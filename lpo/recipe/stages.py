"""What a run does, one stage after another."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lpo.recipe.algorithm import AdvantageKind, Algorithm
from lpo.recipe.base import FileName, Fraction, NonNegativeFloat, Plugin, Positive, PositiveFloat, Section, Temperature
from lpo.recipe.curriculum import Curriculum, NoCurriculum
from lpo.recipe.runtime import Evaluation, Optimizer, RewardSpec


class Segmentation(Section):
    """How a response is cut into the linguistic units that LPO acts on."""

    grain: Plugin = "sentence"
    """``sentence``, ``clause``, ``line``, ``fixed``, ``token``, ``response`` or a plug-in."""
    max_tokens: Positive | None = None
    """Longest unit. None: the grain's own default."""


class KL(Section):
    """Divergence from the reference policy, the model at the start of the stage."""

    coefficient: NonNegativeFloat = 0.0
    """beta; 0 loads no reference model."""
    estimator: Literal["k1", "k2", "k3"] = "k2"
    place: Literal["loss", "reward"] = "loss"

    @model_validator(mode="after")
    def _no_k1_in_the_loss(self) -> KL:
        if self.place == "loss" and self.estimator == "k1" and self.coefficient > 0:
            raise ValueError("estimator k1 in the loss has zero expected gradient on-policy; use k2, or place: reward")
        if self.place == "reward" and self.estimator != "k1" and self.coefficient > 0:
            raise ValueError(f"estimator {self.estimator} in the reward is biased; use k1 there")
        return self


class Mismatch(Section):
    """Correction for the difference between the learner's and the engine's probabilities."""

    kind: Literal["off", "tis", "icepop", "sequence_mask"] = "off"
    cap: PositiveFloat = 2.0
    """tis: largest weight."""
    low: PositiveFloat = 0.5
    high: PositiveFloat = 5.0

    @model_validator(mode="after")
    def _ordered(self) -> Mismatch:
        if self.low >= self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        return self


class DftStage(Section):
    """Supervised training on worked responses; only response tokens count."""

    kind: Literal["dft"]
    name: FileName = "dft"
    steps: Positive
    batch_size: Positive = 64
    """Responses per optimiser step."""
    optimizer: Optimizer
    evaluation: Evaluation = Evaluation()
    temperature: Temperature = 1.0
    """Of the sampled evaluation."""
    max_response_tokens: Positive = 256
    """Longer worked responses are refused; also the limit of evaluation responses."""
    target_accuracy: Fraction | None = None
    """Stop the stage at the first evaluation that reaches this sampled accuracy."""
    rewards: list[RewardSpec] = Field(default_factory=list)
    """How evaluations decide that a response is right. None given: those of the next rl stage."""


class RlStage(Section):
    """Groups of responses, rewards, advantages, and the policy objective."""

    kind: Literal["rl"]
    name: FileName = "rl"
    steps: Positive
    """Rollout batches."""
    rollout_tokens: Positive | None = None
    """End the stage at the first step by which it has sampled so many response tokens, if that comes before the last;
    so that runs whose responses differ in length can be compared at equal cost."""
    prompts_per_step: Positive = 8
    group_size: Positive = 8
    """G, responses per prompt."""
    max_response_tokens: Positive = 256
    temperature: Temperature = 1.0
    """Of sampling; the learner divides its logits by it too."""
    algorithm: Algorithm
    segmentation: Segmentation = Segmentation()
    advantage: Literal["group_norm", "group_mean", "leave_one_out"] | None = None
    """None: group_mean with curriculum evo_cot, else the algorithm's own (group_mean for dr_grpo, else group_norm)."""
    curriculum: Curriculum = NoCurriculum()
    """``none`` or ``evo_cot``, or a mapping of its settings."""
    minibatches: Positive = 1
    """Optimiser steps that one pass over a rollout batch is split into, by prompts."""
    epochs: Positive = 1
    """Passes over a rollout batch."""
    old_logprobs: Literal["learner", "engine"] = "learner"
    """Denominator of the ratios: recomputed by the learner, or as the engine returned them."""
    mismatch: Mismatch = Mismatch()
    kl: KL = KL()
    entropy_bonus: NonNegativeFloat = 0.0
    truncated: Literal["keep", "mask"] = "keep"
    """mask: a response cut at max_response_tokens teaches nothing and leaves every normaliser."""
    dynamic_sampling: bool | None = None
    """Drop groups whose correctness is all equal and sample more prompts instead. None: true for dapo."""
    max_sampling_rounds: Positive = 4
    """Of dynamic sampling; what is missing then is counted and the step goes on smaller."""
    rewards: list[RewardSpec] = Field(min_length=1)
    max_invalid: Fraction = 0.2
    """Part of a step's responses whose reward may fail before the run stops."""
    optimizer: Optimizer
    evaluation: Evaluation = Evaluation()
    shuffle_rewards: bool = False
    """Control experiment: permute the rewards of a batch, so that nothing can be learned from them."""

    @model_validator(mode="after")
    def _consistent(self) -> RlStage:
        if self.prompts_per_step % self.minibatches:
            raise ValueError(
                f"prompts_per_step {self.prompts_per_step} is not a multiple of minibatches {self.minibatches}"
            )
        if self.group_size < 2:
            raise ValueError(f"group_size {self.group_size}: a group needs at least 2 responses to compare")
        if self.old_logprobs == "engine" and self.mismatch.kind != "off":
            raise ValueError(
                f"mismatch.kind {self.mismatch.kind} corrects nothing when old_logprobs are the engine's; "
                "turn one of them off"
            )
        if self.curriculum.kind == "evo_cot" and self.rewards[0].weight != 1:
            raise ValueError(
                f"rewards[0].weight {self.rewards[0].weight}: with curriculum evo_cot the first reward says whether a "
                "response is right, and a right one is worth 1; leave its weight out"
            )
        return self

    @property
    def advantage_kind(self) -> AdvantageKind:
        """How rewards become advantages. Division by a group's std would cancel Evo-CoT's alpha."""
        if self.advantage is not None:
            return self.advantage
        return "group_mean" if self.curriculum.kind == "evo_cot" else self.algorithm.advantage

    @property
    def on_policy(self) -> bool:
        """One optimiser step per rollout batch: the old log-probs are the current ones."""
        return self.minibatches * self.epochs == 1


Stage = Annotated[DftStage | RlStage, Field(discriminator="kind")]
