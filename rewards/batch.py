"""A batch of responses as rewards are called with it, and what one reward said about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal, TypeAlias

from lpo.samples import Group, Prompt
from rewards.contract import RewardResult

Scope: TypeAlias = Literal["sample", "group", "batch"]
"""What one call of a reward must see together."""


@dataclass(frozen=True)
class Batch:
    """Keyword arguments for ``count`` responses: ``lists`` have one entry each, ``trainer_state`` is for all."""

    count: int
    lists: dict[str, list[Any]]
    trainer_state: Any = None

    @classmethod
    def of(cls, groups: Sequence[Group], trainer_state: Any) -> Batch:
        """As TRL passes them: ``completions`` are message lists where the prompt is one, and columns that some prompts
        lack are None there."""
        prompts: list[Prompt] = [group.prompt for group in groups for _ in group.responses]
        responses = [response for group in groups for response in group.responses]
        texts = [response.text for response in responses]
        columns = dict.fromkeys(name for group in groups for name in group.prompt.columns)
        lists: dict[str, list[Any]] = {
            **{name: [prompt.columns.get(name) for prompt in prompts] for name in columns},
            "prompts": [prompt.content for prompt in prompts],
            "responses": texts,
            "completions": [
                text if isinstance(prompt.content, str) else [{"role": "assistant", "content": text}]
                for prompt, text in zip(prompts, texts, strict=True)
            ],
            "completion_ids": [list(response.token_ids) for response in responses],
            "group_ids": [index for index, group in enumerate(groups) for _ in group.responses],
        }
        return cls(len(responses), lists, trainer_state)

    def only(self, names: Iterable[str]) -> Batch:
        """The batch without the lists that a reward does not take."""
        wanted = set(names)
        lists = {name: values for name, values in self.lists.items() if name in wanted}
        return Batch(self.count, lists, self.trainer_state)

    def part(self, start: int, stop: int) -> Batch:
        lists = {name: values[start:stop] for name, values in self.lists.items()}
        return Batch(stop - start, lists, self.trainer_state)

    def units(self, scope: Scope) -> list[tuple[int, int]]:
        """The smallest parts that a call may be about, as (start, stop)."""
        if scope == "batch":
            return [(0, self.count)]
        if scope == "sample":
            return [(index, index + 1) for index in range(self.count)]
        bounds, start = [], 0
        for _, members in groupby(self.lists["group_ids"]):
            stop = start + len(list(members))
            bounds.append((start, stop))
            start = stop
        return bounds


@dataclass
class Outcome:
    """What one reward said about a part of a batch.

    ``tracebacks`` keeps the first traceback of each cause. ``metrics`` are what it logged: (value, responses of that
    call). ``failed`` says that there are no values: the call raised, took too long, or lost its process.
    """

    results: list[RewardResult]
    tracebacks: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    extra: dict[str, list[Any]] = field(default_factory=dict)
    printed: str = ""
    seconds: float = 0.0
    failed: bool = False

    @classmethod
    def failure(cls, cause: str, count: int, traceback: str = "", printed: str = "") -> Outcome:
        """No values for ``count`` responses, for one cause."""
        results = [RewardResult.unjudged(cause)] * count
        return cls(results, {cause: traceback} if traceback else {}, printed=printed, failed=True)

    @classmethod
    def merged(cls, parts: Sequence[Outcome]) -> Outcome:
        """The outcome of a batch from those of its parts, in their order.

        A wrong number of values for several responses discredits the batch: nothing tells which value is whose, nor
        that other calls had the right number for another reason than luck.
        """
        whole = cls([])
        columns = dict.fromkeys(column for part in parts for column in part.extra)
        for part in parts:
            for column in columns:
                whole.extra.setdefault(column, []).extend(part.extra.get(column, [None] * len(part.results)))
            whole.results.extend(part.results)
            whole.tracebacks = {**part.tracebacks, **whole.tracebacks}
            for name, values in part.metrics.items():
                whole.metrics.setdefault(name, []).extend(values)
            whole.printed += part.printed
        if any(part.results[0].invalid == WRONG_LENGTH for part in parts if len(part.results) > 1):
            whole.results = [RewardResult.unjudged(WRONG_LENGTH)] * len(whole.results)
        return whole

    def metric_means(self) -> dict[str, float]:
        return {
            name: sum(value * count for value, count in values) / max(1, sum(count for _, count in values))
            for name, values in self.metrics.items()
        }


WRONG_LENGTH = "returned a wrong number of values"
