"""The endless, repeatable order in which training items are dealt."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

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


class MixedOrder(Generic[Item]):
    """Deals items of several sets in given shares, each set in an endless order of its own.

    The next item always comes from the set that is furthest behind its share, so any number of items dealt has the
    shares to within one item. With one set it is that set's PromptOrder.
    """

    def __init__(self, sets: Sequence[Sequence[Item]], weights: Sequence[float], seed: int) -> None:
        if len(sets) != len(weights) or not all(weight > 0 for weight in weights):
            raise ValueError(f"{len(sets)} sets have weights {list(weights)}; give each one above 0")
        self._orders = [PromptOrder(items, seed + number) for number, items in enumerate(sets)]
        self._shares = [weight / sum(weights) for weight in weights]
        self._dealt = [0] * len(sets)

    def take(self, count: int) -> list[Item]:
        """The next ``count`` items."""
        if count < 1:
            raise ValueError(f"count {count} is not positive")
        return [self._next() for _ in range(count)]

    def _next(self) -> Item:
        due = sum(self._dealt) + 1
        behind = [share * due - dealt for share, dealt in zip(self._shares, self._dealt, strict=True)]
        chosen = behind.index(max(behind))
        self._dealt[chosen] += 1
        return self._orders[chosen].take(1)[0]

    def state_dict(self) -> dict[str, Any]:
        return {"orders": [order.state_dict() for order in self._orders], "dealt": list(self._dealt)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from ``state``. Raises ValueError where it was saved over other sets or with another seed."""
        if len(state["orders"]) != len(self._orders):
            raise ValueError(
                f"the saved data position has {len(state['orders'])} sets, this run has {len(self._orders)}; resume "
                "with the recipe of the saved run"
            )
        for order, saved in zip(self._orders, state["orders"], strict=True):
            order.load_state_dict(saved)
        self._dealt = list(state["dealt"])
