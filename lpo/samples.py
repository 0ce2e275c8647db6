"""What flows through a step: prompts in, responses out, one group of responses per prompt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lpo.objectives import ResponseOutcome

Message = dict[str, str]


@dataclass(frozen=True)
class Prompt:
    """A question as the engine sees it.

    ``token_ids`` is the rendered prompt (chat template applied, generation prompt included). ``content`` is what
    rewards receive: the plain question, or the list of messages where the prompt is conversational. ``columns`` carries
    the data set's other fields (answer, metadata, ...), which reach rewards as keyword arguments.
    """

    id: str
    token_ids: list[int]
    content: str | list[Message]
    question: str
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass
class Response:
    """One sampled response. All per-token lists have the length of ``token_ids``.

    ``logprobs`` are the engine's, of the distribution that was sampled (temperature applied). ``finish_reason`` is
    ``"stop"`` (the end token is the last of ``token_ids``) or ``"length"`` (truncated). ``reward`` is None until
    scored, and stays None where the reward was invalid. ``notes`` is what rewards recorded beside their values: each
    one's ``RewardResult.info`` by its name, and the columns of ``log_extra``. ``outcome`` is
    what the last optimiser step on it did, where it was watched.
    """

    token_ids: list[int]
    logprobs: list[float]
    text: str
    finish_reason: str
    weight_version: int
    seed: int | None = None
    reward: float | None = None
    components: dict[str, float | None] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    segment_ids: list[int] = field(default_factory=list)
    advantage: float = 0.0
    outcome: ResponseOutcome | None = None

    @property
    def truncated(self) -> bool:
        return self.finish_reason == "length"


@dataclass
class Group:
    """The G responses to one prompt, sampled from the same weights."""

    prompt: Prompt
    responses: list[Response]

    @property
    def rewards(self) -> list[float | None]:
        return [response.reward for response in self.responses]
