"""How hard each prompt is for the policy of the moment: a running pass rate, shrunk to a prior."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Tally:
    """What is known of one prompt. ``right`` of ``total`` responses, both decayed at every visit."""

    right: float = 0.0
    total: float = 0.0
    solved_in_a_row: int = 0
    """Visits, up to the last one, at which every response was right."""
    retired_at: int | None = None
    """The batch that retired it, or confirmed it last. None: in use."""
    lapsed: bool = False
    """Failed after it had been retired, and not solved since: unstable."""

    def add(self, right: int, total: int, decay: float) -> None:
        self.right = decay * self.right + right
        self.total = decay * self.total + total


class PassRates:
    """The pass rate of every prompt seen: (right + weight * prior) / (total + weight).

    Counts are multiplied by ``decay`` before a visit adds to them, since the policy that earned them is gone. The prior
    counts as ``prior_weight`` responses. Without a fixed ``prior`` it is the accuracy of the policy over all prompts,
    which the caller keeps up to date, so that a prompt never seen is as hard as the average one.
    """

    def __init__(self, decay: float, prior_weight: float, prior: float | None = None) -> None:
        self._decay, self._weight, self._fixed = decay, prior_weight, prior
        self.accuracy = 0.5
        """The policy's accuracy over all prompts, for the prior."""
        self._tallies: dict[str, Tally] = {}

    @property
    def prior(self) -> float:
        return self.accuracy if self._fixed is None else self._fixed

    def add(self, prompt: str, right: int, total: int) -> Tally:
        """Counts the ``right`` of ``total`` responses of one visit."""
        tally = self._tallies.setdefault(prompt, Tally())
        tally.add(right, total, self._decay)
        tally.solved_in_a_row = tally.solved_in_a_row + 1 if right == total else 0
        return tally

    def rate(self, prompt: str) -> float:
        """Between 0 and 1; the prior for a prompt never seen."""
        tally = self._tallies.get(prompt)
        right, total = (tally.right, tally.total) if tally else (0.0, 0.0)
        weight = right + total + self._weight
        return (right + self._weight * self.prior) / (total + self._weight) if weight else self.prior

    def tally(self, prompt: str) -> Tally | None:
        return self._tallies.get(prompt)

    def __len__(self) -> int:
        return len(self._tallies)

    def __iter__(self) -> Iterator[tuple[str, Tally]]:
        """Prompts and tallies, in the order in which they were first seen."""
        return iter(self._tallies.items())

    def state_dict(self) -> dict[str, list]:
        """JSON values: by prompt, the fields of its tally in their order."""
        return {prompt: list(vars(tally).values()) for prompt, tally in self._tallies.items()}

    def load_state_dict(self, state: dict[str, list]) -> None:
        self._tallies = {prompt: Tally(*values) for prompt, values in state.items()}
