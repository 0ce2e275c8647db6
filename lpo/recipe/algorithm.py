"""The policy objectives as recipe data. Imports neither torch nor an engine; the maths is in ``lpo.objectives``."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from lpo.recipe.base import Section, unknown_name

Grain = Literal["token", "segment", "response"]
AdvantageKind = Literal["group_norm", "group_mean", "leave_one_out"]
Aggregation = Literal["token_mean", "response_mean", "max_length"]


class Objective(Section):
    """What every objective has: a grain of its probability ratio, and how its terms are averaged."""

    grain: ClassVar[Grain] = "token"
    advantage: ClassVar[AdvantageKind] = "group_norm"

    name: str
    """Which objective."""
    normaliser: Literal["group", "batch"] = "batch"
    """Denominator: the tokens (or responses) of each group, groups then averaged; or those of the whole batch."""
    aggregation: Aggregation
    """token_mean weighs every token alike, response_mean every response; max_length divides by a fixed length."""

    @property
    def needs_segments(self) -> bool:
        """Whether responses must be segmented before this objective can be computed."""
        return self.grain == "segment"

    @property
    def needs_entropy(self) -> bool:
        """Whether the clip depends on the policy's entropy."""
        return False


class ClippedObjective(Objective):
    """An objective that bounds its ratio as PPO does."""

    eps_low: Annotated[float, Field(gt=0, le=1)] = 0.2
    """A ratio below 1 - eps_low no longer lowers a response with a negative advantage; 1 turns the bound off."""
    eps_high: Annotated[float, Field(gt=0)] = 0.2
    """A ratio above 1 + eps_high no longer raises a response with a positive advantage."""
    dual_clip: Annotated[float, Field(gt=1)] | None = None
    """Bound on the ratio where the advantage is negative (3 is usual); none by default."""


class LPO(ClippedObjective):
    """Linguistic-unit policy optimisation: one ratio, and one clip, per sentence (arXiv 2510.22115)."""

    grain: ClassVar[Grain] = "segment"

    name: Literal["lpo"] = "lpo"
    normaliser: Literal["group", "batch"] = "group"
    aggregation: Literal["token_mean", "response_mean"] = "token_mean"
    eps_low: Annotated[float, Field(gt=0, le=1)] = 0.03
    eps_high: Annotated[float, Field(gt=0)] = 0.03
    entropy_clip: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Widen the clip of sentences with more entropy than their response, and narrow it where there is less, by at most
    this part (after SSPO, arXiv 2511.04256); 0 is off."""

    @property
    def needs_entropy(self) -> bool:
        return self.entropy_clip > 0


class GRPO(ClippedObjective):
    """Group relative policy optimisation: one ratio per token (arXiv 2402.03300)."""

    name: Literal["grpo"] = "grpo"
    aggregation: Literal["token_mean", "response_mean"] = "response_mean"


class DAPO(ClippedObjective):
    """GRPO with a higher upper clip and a mean over all tokens (arXiv 2503.14476)."""

    name: Literal["dapo"] = "dapo"
    aggregation: Literal["token_mean", "response_mean"] = "token_mean"
    eps_high: Annotated[float, Field(gt=0)] = 0.28


class DrGRPO(ClippedObjective):
    """GRPO without its length and difficulty biases: a fixed divisor, no std in the advantage (arXiv 2503.20783)."""

    advantage: ClassVar[AdvantageKind] = "group_mean"

    name: Literal["dr_grpo"] = "dr_grpo"
    aggregation: Literal["max_length"] = "max_length"


class GSPO(ClippedObjective):
    """Group sequence policy optimisation: one ratio per response (arXiv 2507.18071)."""

    grain: ClassVar[Grain] = "response"

    name: Literal["gspo"] = "gspo"
    aggregation: Literal["token_mean", "response_mean"] = "response_mean"
    eps_low: Annotated[float, Field(gt=0, le=1)] = 3e-4
    eps_high: Annotated[float, Field(gt=0)] = 4e-4


class GSPOToken(ClippedObjective):
    """GSPO whose gradient flows per token, so that advantages may differ within a response (arXiv 2507.18071)."""

    grain: ClassVar[Grain] = "response"

    name: Literal["gspo_token"] = "gspo_token"
    aggregation: Literal["token_mean", "response_mean"] = "response_mean"
    eps_low: Annotated[float, Field(gt=0, le=1)] = 3e-4
    eps_high: Annotated[float, Field(gt=0)] = 4e-4


class CISPO(Objective):
    """Policy gradient with a capped, detached importance weight: no token loses its gradient (arXiv 2506.13585)."""

    name: Literal["cispo"] = "cispo"
    aggregation: Literal["token_mean", "response_mean"] = "token_mean"
    upper_bound: Annotated[float, Field(gt=0)] = 5.0
    """Cap of the weight itself (TRL's convention; the paper writes it 1 + eps_high)."""


OBJECTIVES: dict[str, type[Objective]] = {
    kind.model_fields["name"].default: kind for kind in (LPO, GRPO, DAPO, DrGRPO, GSPO, GSPOToken, CISPO)
}
# The same aggregation under another grain, so that a comparison changes one thing at a time.
VARIANTS: dict[str, Objective] = {
    "grpo_token_mean": GRPO(aggregation="token_mean"),
    "gspo_token_mean": GSPO(aggregation="token_mean"),
    "lpo_batch": LPO(normaliser="batch"),
}


def _from_name(value: Any) -> Any:
    """``algorithm: lpo`` means ``algorithm: {name: lpo}``, and an unknown name is answered with the nearest one."""
    if isinstance(value, str):
        if value in VARIANTS:
            return VARIANTS[value]
        value = {"name": value}
    if isinstance(value, dict):
        name = value.get("name")
        if not isinstance(name, str) or name not in OBJECTIVES:
            message = "give its name" if name is None else unknown_name(name, [*OBJECTIVES, *VARIANTS], "algorithm")
            raise PydanticCustomError("unknown_algorithm", "{message}", {"message": message})
    return value


Algorithm = Annotated[
    LPO | GRPO | DAPO | DrGRPO | GSPO | GSPOToken | CISPO, Field(discriminator="name"), BeforeValidator(_from_name)
]


def algorithm_by_name(name: str) -> Objective:
    """The objective of that name with its default settings.

    Args:
        name: ``lpo``, ``grpo``, ``dapo``, ``dr_grpo``, ``gspo``, ``gspo_token`` or ``cispo``; or a variant that holds
            the aggregation fixed: ``grpo_token_mean``, ``gspo_token_mean``, ``lpo_batch``.

    Raises:
        ValueError: the name is unknown; the nearest known one is named.
    """
    if name in VARIANTS:
        return VARIANTS[name]
    if name not in OBJECTIVES:
        raise ValueError(unknown_name(name, [*OBJECTIVES, *VARIANTS], "algorithm"))
    return OBJECTIVES[name].model_validate({"name": name})
