"""Which prompts a run trains on and is judged by."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from lpo.recipe.base import FilePath, FilePathOrId, Name, NonNegative, Plugin, Positive, Section


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


Source = Annotated[ReasoningGymSource | JsonlSource | HuggingFaceSource, Field(discriminator="kind")]


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
    """First message of every chat prompt."""
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
