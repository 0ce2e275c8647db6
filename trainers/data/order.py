"""The endless, repeatable order in which training items are dealt."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class PromptOrder(Generic[Item]):
    """Deals items epoch after epoch, each epoch in a new order that depends on seed and epoch only.

    The state is two numbers, so a resumed run deals exactly what the uninterrupted one would have dealt. Items of a
    take are distinct unless it spans the end of an epoch.
    """

    def __init__(self, items: Sequence[Item], seed: int) -> None:
        if not items:
            raise ValueError("nothing to deal: the training set is empty")
        self._items = items
        self._seed = seed
        self._start_epoch(0, position=0)

    def take(self, count: int) -> list[Item]:
        """The next ``count`` items."""
        if count < 1:
            raise ValueError(f"count {count} is not positive")
        taken: list[Item] = []
        while len(taken) < count:
            if self._position == len(self._items):
                self._start_epoch(self._epoch + 1, position=0)
            chosen = self._permutation[self._position : self._position + count - len(taken)]
            taken.extend(self._items[index] for index in chosen)
            self._position += len(chosen)
        return taken

    @property
    def epochs(self) -> float:
        """Epochs dealt so far, for example 1.5."""
        return self._epoch + self._position / len(self._items)

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self._epoch, "position": self._position, "items": len(self._items), "seed": self._seed}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continues from ``state``. Raises ValueError where it was saved over other items or with another seed."""
        for name, value in (("items", len(self._items)), ("seed", self._seed)):
            if state[name] != value:
                raise ValueError(
                    f"the saved data position has {name} {state[name]}, this run has {value}; resume with the recipe "
                    "of the saved run"
                )
        self._start_epoch(state["epoch"], state["position"])

    def _start_epoch(self, epoch: int, position: int) -> None:
        self._epoch = epoch
        self._position = position
        self._permutation = list(range(len(self._items)))
        random.Random(f"{self._seed}:{epoch}").shuffle(self._permutation)
