"""Which training prompts come next, and what a curriculum adds to their rewards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from lpo.curriculum import EvoCotState, GroupOutcome, composite_rewards
from lpo.recipe.curriculum import EvoCot
from lpo.recipe.stages import RlStage
from lpo.samples import Group, Prompt, Response
from trainers.data import PromptOrder
from trainers.evaluation import correct
from trainers.run import Run


class TrainingPrompts(Protocol):
    """Deals the prompts of a reinforcement stage and sees how they were answered. Can be saved."""

    def take(self, count: int) -> list[Prompt]:
        """The next ``count`` prompts."""
        ...

    def observe(self, groups: Sequence[Group]) -> None:
        """The prompts of the last ``take`` were answered and scored; may change the rewards in place."""
        ...

    def metrics(self) -> dict[str, float]: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


def training_prompts(run: Run, stage: RlStage) -> TrainingPrompts:
    """The stage's prompts, from where the run stands."""
    order = PromptOrder(run.dataset.train, run.order_seed)
    if stage.curriculum.kind == "evo_cot":
        return run.follow(EvoCotPrompts(order, run.dataset.train, stage.curriculum, run.tokenizer, run.order_seed))
    return run.follow(PromptsInTurn(order))


class PromptsInTurn:
    """Every prompt as often as any other, rewards as they are."""

    def __init__(self, order: PromptOrder[Prompt]) -> None:
        self._order = order

    def take(self, count: int) -> list[Prompt]:
        return self._order.take(count)

    def observe(self, groups: Sequence[Group]) -> None:
        pass

    def metrics(self) -> dict[str, float]:
        return {}

    def state_dict(self) -> dict[str, Any]:
        return self._order.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._order.load_state_dict(state)


class EvoCotPrompts:
    """Evo-CoT: hard prompts come more often, solved ones rest, and rewards count length.

    A part of every batch is drawn from hard prompts; the others are dealt in turn, without those that rest. Every
    response gets the components ``evo_cot/length`` and ``evo_cot/format``, beside those of the recipe's rewards.
    """

    def __init__(
        self, order: PromptOrder[Prompt], prompts: Sequence[Prompt], settings: EvoCot, tokenizer: Any, seed: int
    ) -> None:
        self._order, self._settings = order, settings
        self._by_id = {prompt.id: prompt for prompt in prompts}
        self._markers = ReasoningMarkers(settings.reasoning_markers, tokenizer)
        self._state = EvoCotState(settings, seed)
        self._hard: list[str] = []

    def take(self, count: int) -> list[Prompt]:
        self._hard = self._state.draw_hard(int(count * self._settings.hard_share))
        taken = [self._by_id[prompt] for prompt in self._hard]
        # After a whole epoch without a prompt to train on, solved ones have to do.
        patience = len(self._by_id)
        while len(taken) < count:
            [prompt] = self._order.take(1)
            patience -= 1
            if patience > 0 and self._state.resting(prompt.id):
                self._state.pass_over(prompt.id)
            elif patience <= 0 or prompt.id not in self._hard:
                taken.append(prompt)
        return taken

    def observe(self, groups: Sequence[Group]) -> None:
        counted = [[each for each in group.responses if each.reward is not None] for group in groups]
        outcomes = [
            GroupOutcome(group.prompt.id, sum(correct(each.components) for each in valid), len(valid))
            for group, valid in zip(groups, counted, strict=True)
        ]
        self._state.observe(outcomes, extra=frozenset(self._hard))
        for group, valid in zip(groups, counted, strict=True):
            self._reward(group.prompt.id, valid)

    def _reward(self, prompt: str, responses: Sequence[Response]) -> None:
        composed = composite_rewards(
            [len(each.token_ids) for each in responses],
            [correct(each.components) for each in responses],
            [self._markers.occur_in(each) for each in responses],
            self._state.alpha(prompt),
            format_penalty=self._settings.format_penalty,
            task=[_task_terms(each) for each in responses],
            limit=self._state.length_limit(prompt),
        )
        for response, reward in zip(responses, composed, strict=True):
            response.components |= {"evo_cot/length": reward.length, "evo_cot/format": reward.format}
            response.reward = reward.total

    def metrics(self) -> dict[str, float]:
        return self._state.metrics()

    def state_dict(self) -> dict[str, Any]:
        return {"order": self._order.state_dict(), "curriculum": self._state.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._order.load_state_dict(state["order"])
        self._state.load_state_dict(state["curriculum"])


class ReasoningMarkers:
    """Finds marked reasoning, in the text or, where the tokenizer has tokens of their own for markers, in the ids:
    decoding leaves special tokens out."""

    def __init__(self, markers: Sequence[str], tokenizer: Any) -> None:
        self._markers = tuple(markers)
        ids = tokenizer.get_vocab()
        self._ids = frozenset(ids[marker] for marker in markers if marker in ids)

    def occur_in(self, response: Response) -> bool:
        return any(marker in response.text for marker in self._markers) or not self._ids.isdisjoint(response.token_ids)


def _task_terms(response: Response) -> float:
    """What the rewards after the first one add; the first says right or wrong, and counts as 1 or 0."""
    assert response.reward is not None
    return response.reward - (next(iter(response.components.values())) or 0.0)
