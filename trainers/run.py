"""A run in progress: its parts, and what every stage does with them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lpo.recipe.runtime import RewardSpec
from lpo.recipe.schema import Recipe
from lpo.samples import Group, Prompt
from rewards.isolation import IsolatedReward, RewardPool
from trainers.checkpoints import Checkpoints
from trainers.data import PromptDataset, WorkedSet
from trainers.learner_group import LearnerGroup
from trainers.packing import TrainSample
from trainers.progress import Progress
from trainers.run_folder import RunFolder
from trainers.stopping import Interrupted, StopSignal
from trainers.tracking import Tracker

PROBE_TOKENS = 32


class Resumable(Protocol):
    """Something whose position can be saved."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


Order = TypeVar("Order", bound=Resumable)


@dataclass
class RunState:
    """Where a run stands; saved with every checkpoint."""

    stage: int = 0
    """Index of the stage in progress."""
    step: int = 0
    """Steps done in that stage."""
    stage_done: bool = False
    """The stage has nothing left to do, perhaps before its last step."""
    global_step: int = 0
    """Steps done in all stages."""
    tokens: int = 0
    """Response tokens trained on so far."""
    stage_tokens: int = 0
    """Those of the stage in progress."""
    version: int = 0
    """Last weight version that every engine has."""
    order: dict[str, Any] = field(default_factory=dict)
    """Position in the order of training prompts, and what a curriculum knows of them."""
    best_accuracy: float = -1.0

    def begin(self, stage: int) -> None:
        """A new stage, at its first step."""
        self.stage, self.step, self.stage_done, self.stage_tokens, self.order = stage, 0, False, 0, {}

    def advance(self, tokens: int) -> None:
        """One step more, which sampled or learned from so many response tokens."""
        self.step += 1
        self.global_step += 1
        self.tokens += tokens
        self.stage_tokens += tokens

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class StepClock:
    """Seconds by kind of work within one step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()

    @contextmanager
    def __call__(self, kind: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[kind] = self.seconds.get(kind, 0.0) + time.perf_counter() - started

    def metrics(self) -> dict[str, float]:
        return {
            "time/step": time.perf_counter() - self._started,
            **{f"time/{kind}": seconds for kind, seconds in self.seconds.items()},
        }


@dataclass
class Run:
    """Everything a stage needs. Stages change ``state`` and nothing else here."""

    recipe: Recipe
    base_dir: Path
    folder: RunFolder
    tokenizer: Any
    dataset: PromptDataset
    model_path: Path
    learner: LearnerGroup
    fleet: Any
    tracker: Tracker
    progress: Progress
    checkpoints: Checkpoints
    stop: StopSignal
    reward_pool: RewardPool
    max_length: int
    """Longest prompt plus response, in tokens."""
    state: RunState = field(default_factory=RunState)
    worked: list[WorkedSet] = field(default_factory=list)
    """Training prompts with worked responses, by mode, where a supervised stage needs them."""

    def __post_init__(self) -> None:
        self._rewards: dict[tuple[str, ...], list[IsolatedReward]] = {}
        self._probe = _probe_of_prompts(self.dataset.held_out)

    def stage_model(self, index: int) -> Path:
        """The Hugging Face folder that a stage starts from: the recipe's model, or what the stage before it made."""
        return self.model_path if index == 0 else self.checkpoints.model_of(self.recipe.stages[index - 1].name)

    def publish(self, clock: StepClock | None = None, *, resumed: bool = False) -> None:
        """Bring the learner's weights to every engine, attested; the version counts from then on.

        ``resumed``: they are those of ``state.version``, which new engines have not got yet.

        Raises ``rollout.transfer.WeightPushError`` when an engine does not answer with the new weights.
        """
        clock = clock or StepClock()
        with clock("transfer"):
            samples = [TrainSample(i, prompt, response) for i, (prompt, response) in enumerate(self._probe)]
            expected = self.learner.logprobs(samples, 1.0)
            update = self.learner.push()
            version = self.state.version + (not resumed)
            self.fleet.push(update, self._probe, expected, version)
            self.learner.finish_push()
            self.state.version = version

    def probe_with(self, groups: Sequence[Group]) -> None:
        """Attest the next pushes on fresh responses: the two that the engines were least sure of.

        Sure tokens hardly move when weights do, and would attest nothing. Responses are cut, as each costs the engines
        two passes.
        """
        candidates: dict[tuple[tuple[int, ...], tuple[int, ...]], float] = {}
        for group in groups:
            prompt = tuple(group.prompt.token_ids)
            room = min(PROBE_TOKENS, self.max_length - 1 - len(prompt))
            for response in group.responses:
                if tokens := tuple(response.token_ids[: max(0, room)]):
                    candidates[prompt, tokens] = sum(response.logprobs[:room])
        least_sure = sorted(candidates, key=lambda pair: candidates[pair])[:2]
        if least_sure:
            self._probe = [(list(prompt), list(tokens)) for prompt, tokens in least_sure]

    @property
    def order_seed(self) -> int:
        """Of the order in which the stage in progress goes through its data."""
        return self.dataset.order_seed + self.state.stage

    def follow(self, order: Order) -> Order:
        """The stage in progress takes its data by ``order``, from where it stood; checkpoints save the position."""
        if self.state.order:
            order.load_state_dict(self.state.order)
        self._order: Resumable = order
        return order

    def rewards(self, specs: Sequence[RewardSpec]) -> list[IsolatedReward]:
        """The rewards of a stage, resolved once."""
        key = tuple(repr(spec) for spec in specs)
        if key not in self._rewards:
            self._rewards[key] = self.reward_pool.resolve_all(specs)
        return self._rewards[key]

    def keep_best(self, metrics: dict[str, float]) -> None:
        """Exports the weights when an evaluation is the best so far."""
        accuracy = metrics.get("eval/accuracy", -1.0)
        if accuracy > self.state.best_accuracy:
            self.state.best_accuracy = accuracy
            self.checkpoints.export("best", self.learner)

    def log(self, stage: str, metrics: dict[str, float]) -> None:
        """One step's metrics to the run folder, the tracker and the display."""
        step, tokens = self.state.global_step, self.state.tokens
        record = {"stage": stage, "step": step, "tokens": tokens, **metrics}
        self.folder.append_metrics(record)
        self.tracker.log(metrics, step=step, tokens=tokens)
        self.progress.update(self.state.step, metrics)

    def end_step(self, stage_name: str, *, last: bool) -> None:
        """Save when it is time or when the run was asked to stop."""
        self.state.order = self._order.state_dict()
        self.state.stage_done = last
        if last or self.stop.name or self.state.step % self.recipe.checkpoints.every == 0:
            self.checkpoints.save(stage_name, self.state, self.learner)
        if self.stop.name:
            raise Interrupted(self.stop.name)


def sampling_seed(*parts: object) -> int:
    """A seed for one request, the same in every run of the same recipe."""
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=4).digest(), "big")


def _probe_of_prompts(prompts: Sequence[Prompt]) -> list[tuple[list[int], list[int]]]:
    """Before anything has been sampled: the second half of a prompt stands in for a response to the first."""
    shortest = sorted(prompts[:32], key=lambda prompt: len(prompt.token_ids))[:2]
    halves = [(prompt.token_ids, max(1, len(prompt.token_ids) // 2)) for prompt in shortest]
    return [(ids[:half], ids[half:]) for ids, half in halves if len(ids) > 1]
