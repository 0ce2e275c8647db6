"""What a reinforcement stage does with the difficulty of its prompts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from lpo.recipe.base import Fraction, Name, NonNegativeFloat, Positive, PositiveFloat, Section, unknown_name

Alpha = Annotated[float, Field(ge=0, lt=1)]


class NoCurriculum(Section):
    """Every prompt in turn; rewards as the recipe lists them."""

    kind: Literal["none"] = "none"


class AlphaPhase(Section):
    """How much the length of a response counts for a while."""

    easy_alpha: Alpha
    """alpha of a prompt that is always answered right; between the two it follows the pass rate."""
    hard_alpha: Alpha = 0.0
    """alpha of a prompt that is never answered right."""
    advance_at: Fraction | None = None
    """The next phase begins when the running training accuracy reaches this. None: the last phase."""
    min_batches: Positive = 5
    """Rollout batches before that may happen."""

    @model_validator(mode="after")
    def _ordered(self) -> AlphaPhase:
        if self.hard_alpha > self.easy_alpha:
            raise ValueError(
                f"hard_alpha {self.hard_alpha} is above easy_alpha {self.easy_alpha}: hard prompts need their tokens; "
                "exchange them"
            )
        return self


class LengthLimit(Section):
    """A response longer than its prompt's limit is ranked as the longest of its group."""

    easy: PositiveFloat
    """Tokens, for a prompt that is always answered right; between the two the limit follows the pass rate."""
    hard: PositiveFloat
    """Tokens, for a prompt that is never answered right."""

    @model_validator(mode="after")
    def _ordered(self) -> LengthLimit:
        if self.easy > self.hard:
            raise ValueError(f"easy {self.easy} is above hard {self.hard}: easy prompts need fewer tokens")
        return self


class EvoCot(Section):
    """Rewards short right responses, the more so the easier their prompt (Evo-CoT, arXiv 2510.22115)."""

    kind: Literal["evo_cot"]
    phases: list[AlphaPhase] = Field(
        default_factory=lambda: [
            AlphaPhase(easy_alpha=0.4, advance_at=0.6),
            AlphaPhase(easy_alpha=0.8, hard_alpha=0.1),
        ],
        min_length=1,
    )
    """One after another; all but the last say at which accuracy they end."""
    prior: Fraction | None = None
    """Pass rate that a prompt is taken to have before it was seen. None: the running accuracy over all prompts."""
    prior_weight: NonNegativeFloat = 4.0
    """Responses that the prior counts for in a pass rate."""
    decay: Fraction = 0.7
    """What earlier responses to a prompt still count when new ones arrive."""
    accuracy_decay: Fraction = 0.9
    """What earlier batches still count in the running accuracy."""
    hard_share: Annotated[float, Field(ge=0, lt=1)] = 0.25
    """Part of a batch drawn from hard prompts seen before, instead of in turn."""
    hard_below: Fraction = 0.5
    """Pass rate below which a prompt is hard; so is one that failed a re-check."""
    retire_after: Positive = 2
    """Visits in a row with all responses right after which a prompt is solved and rests."""
    recheck_after: Positive = 50
    """Rollout batches that a solved prompt rests; its next turn is a re-check."""
    reasoning_markers: list[Name] = Field(default_factory=lambda: ["<think>", "</think>"])
    """Text that no response of the instant mode should hold."""
    format_penalty: NonNegativeFloat = 0.5
    """Taken off the reward of a response that holds one."""
    length_limit: LengthLimit | None = None
    """Off by default: the paper mentions a limit by difficulty, its formula has none."""

    @model_validator(mode="after")
    def _phases_end(self) -> EvoCot:
        for number, phase in enumerate(self.phases):
            last = number == len(self.phases) - 1
            if not last and phase.advance_at is None:
                raise ValueError(f"phases[{number}] has no advance_at, so the phases after it would never begin")
            if last and phase.advance_at is not None:
                raise ValueError(f"phases[{number}].advance_at {phase.advance_at}: the last phase has none after it")
        return self


KINDS: dict[str, type[Section]] = {"none": NoCurriculum, "evo_cot": EvoCot}


def _from_name(value: Any) -> Any:
    """``curriculum: evo_cot`` means ``curriculum: {kind: evo_cot}``."""
    if isinstance(value, str):
        if value not in KINDS:
            message = unknown_name(value, KINDS, "curriculum")
            raise PydanticCustomError("unknown_curriculum", "{message}", {"message": message})
        return {"kind": value}
    return value


Curriculum = Annotated[NoCurriculum | EvoCot, Field(discriminator="kind"), BeforeValidator(_from_name)]
