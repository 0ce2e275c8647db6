"""What a run asks of its cluster, and whether the nodes can hold it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from lpo.errors import InputError
from lpo.recipe.runtime import Learner
from lpo.recipe.schema import Recipe

Bundle = dict[str, float]
"""Amounts of Ray resources, ``CPU`` and ``GPU``."""


class ClusterError(InputError):
    """The cluster cannot hold the run; the message says what is missing."""


@dataclass(frozen=True)
class Layout:
    """What the run asks of the cluster. ``bundles`` are Ray resource bundles; the index lists say who sits in which."""

    bundles: list[Bundle]
    learner: list[int]
    rollout: list[int]
    colocated: bool

    def parts(self) -> list[tuple[str, Bundle, int]]:
        """What is asked for, in words: name, bundle and number of the bundles of each sort."""
        ranks = ("learner rank", self.bundles[self.learner[0]], len(self.learner))
        if self.colocated:
            return [ranks]
        return [ranks, ("rollout worker", self.bundles[self.rollout[0]], len(self.rollout))]


def rank_threads(settings: Learner, device: str) -> int:
    """CPU threads of one rank: as the recipe says, else one where GPUs compute, else this machine's cores shared."""
    return settings.threads or (1 if device == "cuda" else max(1, (os.cpu_count() or 1) // settings.ranks))


def layout(recipe: Recipe) -> Layout:
    """One bundle per learner rank and, unless they take turns on the same CPUs, one per rollout worker."""
    on_gpu = recipe.device == "cuda"
    colocated = not on_gpu if recipe.cluster.colocate is None else recipe.cluster.colocate
    ranks, workers = recipe.learner.ranks, recipe.engine.workers
    learner_bundle: Bundle = {"CPU": rank_threads(recipe.learner, recipe.device)}
    if on_gpu:
        learner_bundle["GPU"] = 1
    bundles = [dict(learner_bundle) for _ in range(ranks)]
    if colocated:
        return Layout(bundles, list(range(ranks)), [i % ranks for i in range(workers)], colocated)
    worker_bundle: Bundle = (
        {"CPU": 1, "GPU": recipe.engine.tensor_parallel} if on_gpu else {"CPU": recipe.engine.threads}
    )
    bundles += [dict(worker_bundle) for _ in range(workers)]
    return Layout(bundles, list(range(ranks)), list(range(ranks, ranks + workers)), colocated)


def check_memory(recipe: Recipe, machine_bytes: int) -> None:
    """Refuses memory sizes that one machine cannot hold, whatever the model takes besides.

    Raises:
        ClusterError: names the fields, their sum and what there is.
    """
    engine, gib = recipe.engine, 2**30
    caches = engine.workers * engine.kv_cache_gib if recipe.device == "cpu" else 0.0
    asked = caches + recipe.cluster.object_store_gib
    if asked * gib > machine_bytes:
        raise ClusterError(
            f"engine.kv_cache_gib {engine.kv_cache_gib:g} of {engine.workers} workers and cluster.object_store_gib "
            f"{recipe.cluster.object_store_gib:g} are {asked:g} GiB, and the machine has {machine_bytes / gib:.1f}; "
            "lower them"
        )


def check_fits(recipe: Recipe, nodes: Sequence[Bundle]) -> None:
    """Refuses a run for which the nodes, all of them idle, have no room.

    Args:
        recipe: the run.
        nodes: the resources of each node.

    Raises:
        ClusterError: names the resource, what the recipe asks for and what exists.
    """
    asked, bundles = layout(recipe), layout(recipe).bundles
    where = f"the {len(nodes)} nodes have" if len(nodes) > 1 else "the machine has"
    for kind, fields in (("GPU", "learner.ranks, engine.workers"), ("CPU", _cpu_fields(recipe, asked))):
        need, have = _total(bundles, kind), _total(nodes, kind)
        if need > have:
            raise ClusterError(
                f"the run needs {need:g} {kind} ({_in_words(asked, kind)}) and {where} {have:g}; "
                f"lower {fields}, or add nodes"
            )
        for name, bundle, _ in asked.parts():
            largest = max(node.get(kind, 0) for node in nodes)
            if bundle.get(kind, 0) > largest:
                raise ClusterError(
                    f"one {name} needs {bundle[kind]:g} {kind} on one node, and the largest of the {len(nodes)} nodes "
                    f"has {largest:g}; lower {'engine.tensor_parallel' if kind == 'GPU' else fields}, or add a larger "
                    "node"
                )
    if not _can_pack(asked, nodes):
        sizes = ", ".join(_amounts(node) for node in nodes)
        raise ClusterError(
            f"the run needs {_in_words(asked)}, each on one node, and the nodes ({sizes}) are enough in sum but cannot "
            "be divided so; ask for more, smaller parts or add a node"
        )


def describe(asked: Layout) -> str:
    """What the run reserves, in words."""
    shared = f", shared with {_count(len(asked.rollout), 'rollout worker')}" if asked.colocated else ""
    return f"{_in_words(asked)}{shared}"


def no_room(recipe: Recipe, exists: Bundle, free: Bundle) -> str:
    asked = layout(recipe)
    kinds = [kind for kind in ("CPU", "GPU") if _total(asked.bundles, kind)]
    short = [kind for kind in kinds if _total(asked.bundles, kind) > free.get(kind, 0)]
    facts = ", ".join(
        f"{kind}: {_total(asked.bundles, kind):g} asked for, {exists.get(kind, 0):g} exist, {free.get(kind, 0):g} free"
        for kind in short or kinds
    )
    missing = f"too few {' and '.join(short)} are free" if short else "what is free lies on nodes too small for it"
    return (
        f"no place for the run within cluster.placement_timeout_s {recipe.cluster.placement_timeout_s:g}: {missing} "
        f"({facts}). It needs {_in_words(asked)}. Stop other jobs, raise the limit or ask for less"
    )


def _in_words(asked: Layout, kind: str | None = None) -> str:
    parts = [(name, bundle if kind is None else {kind: bundle.get(kind, 0)}, n) for name, bundle, n in asked.parts()]
    return " and ".join(f"{_count(count, name)} of {_amounts(bundle)}" for name, bundle, count in parts)


def _can_pack(asked: Layout, nodes: Sequence[Bundle]) -> bool:
    """Whether the bundles, of two sorts at most, fit the nodes: exact, so that nothing that fits is refused.

    ``room[r]`` is the largest number of workers that the nodes seen so far hold beside ``r`` learner ranks.
    """
    (_, rank, ranks), *rest = asked.parts()
    worker, workers = rest[0][1:] if rest else ({}, 0)
    room = {0: 0}
    for node in nodes:
        grown: dict[int, int] = {}
        for before, beside in room.items():
            for here in range(min(ranks - before, _how_many(rank, node)) + 1):
                left = {kind: amount - here * rank.get(kind, 0) for kind, amount in node.items()}
                total = beside + (min(workers, _how_many(worker, left)) if workers else 0)
                grown[before + here] = max(total, grown.get(before + here, 0))
        room = grown
    return room.get(ranks, -1) >= workers


def _how_many(bundle: Bundle, node: Bundle) -> int:
    return min(int(node.get(kind, 0) // amount) for kind, amount in bundle.items() if amount)


def _cpu_fields(recipe: Recipe, asked: Layout) -> str:
    fields = ["learner.ranks", "learner.threads" if recipe.learner.threads else "learner.threads (all cores if unset)"]
    return ", ".join(fields if asked.colocated else [*fields, "engine.workers, engine.threads"])


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'s' * (number > 1)}"


def _amounts(bundle: Bundle) -> str:
    return " + ".join(f"{amount:g} {kind}" for kind, amount in bundle.items() if amount) or "nothing"


def _total(bundles: Sequence[Bundle], kind: str) -> float:
    return sum(bundle.get(kind, 0) for bundle in bundles)
