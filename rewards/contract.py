"""What a reward is: called with a batch of responses, it returns one value for each.

The calling convention is that of TRL's GRPOTrainer, so a reward written for it runs here unchanged; ``responses``
(plain strings), ``group_ids`` and `RewardResult` are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from rewards.batch import Batch, Outcome

STANDARD_ARGUMENTS = (
    "prompts",
    "responses",
    "completions",
    "completion_ids",
    "group_ids",
    "trainer_state",
    "log_extra",
    "log_metric",
)
"""Keyword arguments that every reward may ask for, besides the columns of the data set. All but the last three are
lists with one entry per response."""

NO_REFERENCE = "no reference answer"
"""Why a sample is invalid whose row has no answer, as in mixtures of data with different columns."""


@dataclass(frozen=True)
class RewardResult:
    """The value of one response.

    ``total`` is None where the reward does not apply to the response. ``components`` are named parts, recorded but not
    added. ``info`` is kept with sampled rollouts. ``invalid`` says why the response could not be judged; its sample
    then has no reward at all and is counted under this cause; ``info["error"]``, if there, is shown as a traceback is.
    """

    total: float | None
    components: dict[str, float] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    invalid: str | None = None

    @classmethod
    def unjudged(cls, cause: str, error: object = None) -> RewardResult:
        """The result for a response that the reward could not judge, through no fault of the response. ``error`` says
        more than the cause, which is counted and so has few words."""
        return cls(total=None, info={} if error is None else {"error": str(error)}, invalid=cause)


RewardValue: TypeAlias = float | RewardResult | None


class Reward(Protocol):
    """A plug-in function with its name, weight and parameters: bound here by `rewards.resolve`, or living in the
    processes of a `rewards.isolation.RewardPool`."""

    @property
    def name(self) -> str:
        """Names the component in metrics: ``reward/<name>``."""
        ...

    @property
    def weight(self) -> float: ...

    def judge(self, batch: Batch) -> Outcome:
        """A result for every response of the batch. Faults of the reward are results, too, and never raised."""
        ...


@dataclass(frozen=True)
class TrainerState:
    """The part of transformers' TrainerState that rewards read, for schedules over training."""

    global_step: int = 0
    max_steps: int = 0
    epoch: float = 0.0
