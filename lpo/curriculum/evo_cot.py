"""What the curriculum knows and decides: how much length counts, for which prompt, and which prompts come again."""

from __future__ import annotations

import random
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lpo.curriculum.pass_rates import PassRates, Tally
from lpo.recipe.curriculum import EvoCot


@dataclass(frozen=True)
class GroupOutcome:
    """How one prompt's group did: ``right`` of ``total`` valid responses."""

    prompt: str
    right: int
    total: int


class EvoCotState:
    """The running state of Evo-CoT. It sees outcomes batch by batch, can be saved, and explains itself.

    alpha depends on the phase and on the prompt's pass rate, the group at hand included: hard_alpha + rate *
    (easy_alpha - hard_alpha). The next phase begins when the accuracy over the prompts dealt in turn reaches the
    phase's ``advance_at``. The paper (arXiv 2510.22115) gives neither; after Ling 2.6 (arXiv 2606.15079), difficulty is
    rated by training behaviour: solved early is easy, unsolved or unstable is hard.

    The choice of hard prompts depends on ``seed`` and on what was observed, so a resumed run chooses as the
    uninterrupted one would have.
    """

    def __init__(self, settings: EvoCot, seed: int) -> None:
        self._settings, self._seed = settings, seed
        self._rates = PassRates(settings.decay, settings.prior_weight, settings.prior)
        self._phase = 0
        self._batches = 0
        self._batches_in_phase = 0
        self._accuracy = Tally()
        self._passed_over: list[str] = []
        self._alphas: list[float] = []
        self._lapsed = self._rechecked = 0

    @property
    def phase(self) -> int:
        """Index of the phase in progress."""
        return self._phase

    @property
    def accuracy(self) -> float:
        """Running accuracy over the prompts dealt in turn; those passed over because they are solved count by their
        pass rate, hard ones sampled again do not count. 0.5 before the first batch."""
        return self._accuracy.right / self._accuracy.total if self._accuracy.total else 0.5

    def rate(self, prompt: str) -> float:
        """The prompt's running pass rate, between 0 and 1."""
        return self._rates.rate(prompt)

    def alpha(self, prompt: str) -> float:
        """How much length counts for the prompt now, 0 <= alpha < 1."""
        phase = self._settings.phases[self._phase]
        return phase.hard_alpha + self.rate(prompt) * (phase.easy_alpha - phase.hard_alpha)

    def length_limit(self, prompt: str) -> float | None:
        """The prompt's length limit in tokens, None where the recipe sets none."""
        limit = self._settings.length_limit
        return None if limit is None else limit.hard - self.rate(prompt) * (limit.hard - limit.easy)

    def resting(self, prompt: str) -> bool:
        """Whether the prompt is retired and not yet due to be checked again."""
        tally = self._rates.tally(prompt)
        if tally is None or tally.retired_at is None:
            return False
        return self._batches - tally.retired_at < self._settings.recheck_after

    def pass_over(self, prompt: str) -> None:
        """Its turn came while it was resting."""
        self._passed_over.append(prompt)

    def draw_hard(self, count: int) -> list[str]:
        """At most ``count`` different hard prompts: unsolved ones (pass rate below ``hard_below``) and unstable ones.

        Drawn without replacement, the chance of each in proportion to 1 - pass rate.
        """
        # The k largest u^(1/w) of uniform u are a weighted sample without replacement (Efraimidis and Spirakis, 2006).
        chance = random.Random(f"{self._seed}:{self._batches}")
        keys = [
            (chance.random() ** (1 / max(1e-9, 1 - self.rate(prompt))), prompt)
            for prompt, tally in self._rates
            if tally.retired_at is None and (tally.lapsed or self.rate(prompt) < self._settings.hard_below)
        ]
        return [prompt for _, prompt in sorted(keys, reverse=True)[:count]]

    def observe(self, outcomes: Sequence[GroupOutcome], extra: Container[str] = ()) -> None:
        """A batch was scored. ``extra`` prompts were drawn as hard ones, not dealt in turn."""
        self._lapsed = self._rechecked = 0
        self._count_accuracy([each for each in outcomes if each.prompt not in extra])
        self._rates.accuracy = self.accuracy
        for each in outcomes:
            if each.total:
                self._judge(each)
        self._alphas = [self.alpha(each.prompt) for each in outcomes]
        self._batches += 1
        self._batches_in_phase += 1
        self._advance()

    def _count_accuracy(self, in_turn: Iterable[GroupOutcome]) -> None:
        right, total = 0.0, 0.0
        for each in in_turn:
            if each.total:
                right, total = right + each.right / each.total, total + 1
        for prompt in self._passed_over:
            right, total = right + self.rate(prompt), total + 1
        self._passed_over = []
        decay = self._settings.accuracy_decay if total else 1.0
        self._accuracy.right = decay * self._accuracy.right + right
        self._accuracy.total = decay * self._accuracy.total + total

    def _judge(self, outcome: GroupOutcome) -> None:
        tally = self._rates.add(outcome.prompt, outcome.right, outcome.total)
        was_retired = tally.retired_at is not None
        self._rechecked += was_retired
        if tally.solved_in_a_row >= self._settings.retire_after:
            tally.retired_at, tally.lapsed = self._batches, False
        elif was_retired:
            tally.retired_at, tally.lapsed = None, True
            self._lapsed += 1

    def _advance(self) -> None:
        phase = self._settings.phases[self._phase]
        reached = phase.advance_at is not None and self.accuracy >= phase.advance_at
        if reached and self._batches_in_phase >= phase.min_batches:
            self._phase += 1
            self._batches_in_phase = 0

    def metrics(self) -> dict[str, float]:
        """Of the last batch, and where the curriculum stands; all under ``curriculum/``."""
        tallies = [tally for _, tally in self._rates]
        return {
            "curriculum/phase": float(self._phase),
            "curriculum/accuracy": self.accuracy,
            "curriculum/alpha": sum(self._alphas) / max(1, len(self._alphas)),
            "curriculum/seen": float(len(tallies)),
            "curriculum/retired": float(sum(tally.retired_at is not None for tally in tallies)),
            "curriculum/rechecked": float(self._rechecked),
            "curriculum/lapsed": float(self._lapsed),
        }

    def state_dict(self) -> dict[str, Any]:
        """JSON values; everything that later decisions depend on."""
        return {
            "phase": self._phase,
            "batches": self._batches,
            "batches_in_phase": self._batches_in_phase,
            "accuracy": [self._accuracy.right, self._accuracy.total],
            "passed_over": list(self._passed_over),
            "prompts": self._rates.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from ``state``.

        Raises:
            ValueError: its phase does not exist in this recipe.
        """
        if state["phase"] >= len(self._settings.phases):
            raise ValueError(
                f"the saved curriculum is in phase {state['phase']}, this recipe has {len(self._settings.phases)}; "
                "resume with the recipe of the saved run"
            )
        self._phase, self._batches = state["phase"], state["batches"]
        self._batches_in_phase = state["batches_in_phase"]
        self._accuracy.right, self._accuracy.total = state["accuracy"]
        self._passed_over = list(state["passed_over"])
        self._rates.load_state_dict(state["prompts"])
        self._rates.accuracy = self.accuracy
