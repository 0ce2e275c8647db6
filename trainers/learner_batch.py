"""What a learner step is told and what it reports back; both travel between processes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from lpo.kl import Estimator
from lpo.mismatch import MismatchStatistics
from lpo.objectives import LossStatistics, ResponseOutcome
from lpo.recipe.algorithm import Objective
from lpo.recipe.stages import Mismatch
from trainers.packing import MicroBatch


@dataclass(frozen=True)
class LossSettings:
    """``objective`` None is supervised: minus the weighted log-probs. ``temperature`` divides the logits."""

    objective: Objective | None
    temperature: float = 1.0
    kl_coefficient: float = 0.0
    kl_estimator: Estimator = "k2"
    entropy_bonus: float = 0.0
    mismatch: Mismatch = field(default_factory=Mismatch)
    old_from_engine: bool = False
    """The samples' old log-probs are the engine's: the learner's current ones are compared with the engine's
    instead.
    """
    measure_mismatch: bool = True
    """Off after the first optimiser step of a rollout batch when the old log-probs are the engine's."""


@dataclass
class StepStatistics:
    """Sums over response tokens, so that micro-batches and ranks add up; means are properties."""

    loss: Tensor | float = 0.0
    tokens: Tensor | float = 0.0
    computed_tokens: int = 0
    """Tokens that went through the model, prompts included."""
    padded_tokens: int = 0
    entropy_sum: Tensor | float = 0.0
    kl_sum: Tensor | float = 0.0
    policy: LossStatistics = field(default_factory=LossStatistics)
    mismatch: MismatchStatistics = field(default_factory=MismatchStatistics)
    watched: dict[tuple[int, int], ResponseOutcome] = field(default_factory=dict)
    """By (group, member), what the objective did to the samples that are marked ``watch``."""
    grad_norm: float = float("nan")
    seconds: float = 0.0

    def add_tokens(self, batch: MicroBatch, mask: Tensor, entropy: Tensor) -> None:
        self.tokens += mask.sum()
        self.computed_tokens += batch.input_ids.numel()
        self.padded_tokens += int((batch.document < 0).sum())
        self.entropy_sum += (entropy.detach() * mask).sum()

    def on_host(self) -> StepStatistics:
        """Plain numbers: whoever reads them may have no GPU."""
        return replace(
            self,
            loss=float(self.loss),
            tokens=float(self.tokens),
            entropy_sum=float(self.entropy_sum),
            kl_sum=float(self.kl_sum),
            policy=LossStatistics.from_sums(self.policy.sums().cpu(), float(self.policy.ratio_max)),
        )

    def __add__(self, other: StepStatistics) -> StepStatistics:
        """Of two ranks in one optimiser step: sums add up, the gradient norm is the same on both, the slower one
        counts.
        """
        return StepStatistics(
            loss=self.loss + other.loss,
            tokens=self.tokens + other.tokens,
            computed_tokens=self.computed_tokens + other.computed_tokens,
            padded_tokens=self.padded_tokens + other.padded_tokens,
            entropy_sum=self.entropy_sum + other.entropy_sum,
            kl_sum=self.kl_sum + other.kl_sum,
            policy=self.policy + other.policy,
            mismatch=self.mismatch + other.mismatch,
            watched=self.watched | other.watched,
            grad_norm=self.grad_norm,
            seconds=max(self.seconds, other.seconds),
        )

    @property
    def pad_fraction(self) -> float:
        return self.padded_tokens / max(1, self.computed_tokens)

    @property
    def entropy(self) -> float:
        return _mean(self.entropy_sum, self.tokens)

    @property
    def kl(self) -> float:
        return _mean(self.kl_sum, self.tokens)


def _mean(total: Tensor | float, count: Tensor | float) -> float:
    return float(torch.as_tensor(total)) / max(1.0, float(torch.as_tensor(count)))
