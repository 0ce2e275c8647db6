"""Which prompts a run trains on and is judged by."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from lpo.recipe.base import FilePath, FilePathOrId, Name, NonNegative, Plugin, Positive, PositiveFloat, Section


class ReasoningGymSource(Section):
    """A procedural task of the reasoning-gym library; its own verifier scores the answers."""

    kind: Literal["reasoning_gym"]
    task: Name
    """Name of the generator, for example ``chain_sum``."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Parameters of the generator, as its configuration class names them."""
    size: Positive = 5000
    """Items generated before duplicates are removed."""
    seed: NonNegative = 0


class JsonlSource(Section):
    """One JSON object a line."""

    kind: Literal["jsonl"]
    path: FilePath
    """File, absolute or relative to the recipe."""
    prompt_field: Name = "prompt"
    """Holds the question: a string, or a list of chat messages."""
    response_field: str | None = None
    """Holds the worked response that a dft stage imitates."""


class HuggingFaceSource(Section):
    """A data set of the `datasets` library: a folder made by ``save_to_disk``, a local data set, or a hub id."""

    kind: Literal["huggingface"]
    path: FilePathOrId
    subset: str | None = None
    split: Name = "train"
    revision: str | None = None
    prompt_field: Name = "prompt"
    response_field: str | None = None


class FrontendTasksSource(Section):
    """Front-end tasks: a folder of folders with ``task.yaml`` and ``reference.html``. Prompts come with the column
    ``checks``, which the reward ``frontend`` reads."""

    kind: Literal["frontend_tasks"]
    path: FilePath | None = None
    """Folder of the tasks. None: those that come with lpo."""
    response_field: Literal["reference"] | None = "reference"
    """What a dft stage imitates: the reference pages. None: nothing, or what ``data.solutions`` writes."""


class FunctionSource(Section):
    """Rows that a Python function makes: called with ``size``, ``seed`` and ``params``, it gives mappings."""

    kind: Literal["function"]
    function: Plugin
    """``small_pages``, ``file.py:function`` or ``package.module:function``."""
    params: dict[str, Any] = Field(default_factory=dict)
    size: Positive = 5000
    """Rows that are asked for."""
    seed: NonNegative = 0
    prompt_field: Name = "prompt"
    response_field: str | None = None


Source = Annotated[
    ReasoningGymSource | JsonlSource | HuggingFaceSource | FrontendTasksSource | FunctionSource,
    Field(discriminator="kind"),
]


class InstantMode(Section):
    """Answers at once; the mode of reinforcement stages and evaluations."""

    system_prompt: Name = "detailed think off"
    weight: PositiveFloat = 1.0
    """Share of a dft stage's responses, against that of the other mode."""


class ThinkingMode(Section):
    """Answers as ``<think>...</think><answer>...</answer>``."""

    system_prompt: Name = "detailed think on"
    weight: PositiveFloat = 1.0
    thoughts: Plugin | None = None
    """Writes what stands between the think tags: ``name``, ``file.py:function`` or ``package.module:function``, called
    with a row. None: the worked response of the instant mode."""
    answer_field: Name = "answer"
    """Column of the source that stands between the answer tags."""


class Modes(Section):
    """Two ways to answer, told apart by the system prompt and learned in one dft stage (decoupled fine-tuning)."""

    instant: InstantMode = InstantMode()
    thinking: ThinkingMode = ThinkingMode()

    @model_validator(mode="after")
    def _told_apart(self) -> Modes:
        if self.instant.system_prompt == self.thinking.system_prompt:
            raise ValueError(
                f"instant and thinking have the same system_prompt '{self.instant.system_prompt}', which could not "
                "tell them apart; change one"
            )
        return self


class Data(Section):
    """Prompts for training and for evaluation. The two are disjoint by normalised question text."""

    source: Source
    held_out: Annotated[int, Field(ge=2)] = 500
    """Distinct questions kept out of training; evaluations draw from them."""
    held_out_source: Source | None = None
    """Where held-out questions come from, if not from ``source``.
    Training questions that also occur there are dropped."""
    template: Literal["chat", "plain"] = "chat"
    """``chat``: the tokenizer's chat template. ``plain``: the question, then ``plain_suffix``."""
    plain_suffix: str = "\n"
    system_prompt: str | None = None
    """First message of every chat prompt, or first line of a plain one."""
    modes: Modes | None = None
    """Tune a dft stage in an instant and a thinking mode; all other prompts are then those of the instant mode."""
    instruction: str | None = None
    """Text appended to every question, for example how to state the answer."""
    solutions: Plugin | None = None
    """Writes the response that a dft stage imitates: ``name``, ``file.py:function`` or ``package.module:function``;
    called with a row (``question``, ``answer``, further columns), returns text."""
    max_prompt_tokens: Positive = 1024
    """Longer prompts are refused (or dropped, see ``drop_long_prompts``) before anything starts."""
    drop_long_prompts: bool = False
    seed: NonNegative = 0
    """Of the held-out split and of the order of training prompts."""

    @model_validator(mode="after")
    def _one_system_prompt(self) -> Data:
        if self.modes is not None and self.system_prompt is not None:
            raise ValueError("system_prompt and modes both say what the system prompt is; leave system_prompt out")
        return self

    @property
    def usual_system_prompt(self) -> str | None:
        """That of every prompt but those of the thinking mode."""
        return self.modes.instant.system_prompt if self.modes is not None else self.system_prompt
