"""The Ray cluster of a run: a local one of its own or an existing one, and a place for every process on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lpo.recipe.schema import Recipe
from trainers.learner_group import rank_threads


class ClusterError(Exception):
    """The cluster cannot hold the run; the message says what is missing."""


@dataclass(frozen=True)
class Layout:
    """What the run asks of the cluster. ``bundles`` are Ray resource bundles; the index lists say who sits in which."""

    bundles: list[dict[str, float]]
    learner: list[int]
    rollout: list[int]
    colocated: bool


def layout(recipe: Recipe) -> Layout:
    """One bundle per learner rank and, unless they take turns on the same CPUs, one per rollout worker."""
    on_gpu = recipe.device == "cuda"
    colocated = not on_gpu if recipe.cluster.colocate is None else recipe.cluster.colocate
    ranks, workers = recipe.learner.ranks, recipe.engine.workers
    learner_bundle: dict[str, float] = {"CPU": 1, "GPU": 1} if on_gpu else {"CPU": rank_threads(recipe.learner)}
    bundles = [dict(learner_bundle) for _ in range(ranks)]
    if colocated:
        return Layout(bundles, list(range(ranks)), [i % ranks for i in range(workers)], colocated)
    worker_bundle: dict[str, float] = (
        {"CPU": 1, "GPU": recipe.engine.tensor_parallel} if on_gpu else {"CPU": recipe.engine.threads}
    )
    bundles += [dict(worker_bundle) for _ in range(workers)]
    return Layout(bundles, list(range(ranks)), list(range(ranks, ranks + workers)), colocated)


@contextmanager
def connected(recipe: Recipe) -> Iterator[None]:
    """Ray, for as long as the block runs. A local Ray is stopped at the end, a cluster is left as it was."""
    import ray

    if ray.is_initialized():
        yield
        return
    address = recipe.cluster.address or os.environ.get("RAY_ADDRESS")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address:
        try:
            ray.init(address=address, **quiet)
        except ConnectionError as error:
            raise ClusterError(
                f"cluster.address {address}: no Ray cluster answers there ({error}); start one with `ray start "
                f"--head`, "
                "or leave the field out to run on this machine alone"
            ) from None
    else:
        ray.init(
            include_dashboard=False,
            object_store_memory=int(recipe.cluster.object_store_gib * 2**30),
            configure_logging=False,
            **quiet,
        )
    try:
        yield
    finally:
        ray.shutdown()


def check_fits(recipe: Recipe, resources: dict[str, float]) -> None:
    """Refuses a run that the cluster could never hold.

    Raises:
        ClusterError: names the resource, what the recipe needs and what there is.
    """
    wanted = layout(recipe)
    for kind, field in (
        ("CPU", "learner.threads, learner.ranks, engine.workers"),
        ("GPU", "learner.ranks, engine.workers"),
    ):
        need = sum(bundle.get(kind, 0) for bundle in wanted.bundles)
        have = resources.get(kind, 0)
        if need > have:
            raise ClusterError(
                f"the recipe needs {need:g} {kind}s and the cluster has {have:g}; lower {field}, or add nodes"
            )


@contextmanager
def placed(recipe: Recipe) -> Iterator[Any]:
    """A placement group that holds every process of the run; released at the end.

    Raises:
        ClusterError: the cluster is too small, or did not free the resources within ``cluster.placement_timeout_s``.
    """
    import ray
    from ray.util.placement_group import placement_group, remove_placement_group

    check_fits(recipe, ray.cluster_resources())
    group = placement_group(layout(recipe).bundles, strategy="PACK")
    try:
        if not group.wait(recipe.cluster.placement_timeout_s):
            free, wanted = ray.available_resources(), layout(recipe).bundles
            raise ClusterError(
                f"no place for the run within cluster.placement_timeout_s "
                f"{recipe.cluster.placement_timeout_s:g}: it needs "
                f"{_sums(wanted)} in bundles of {', '.join(map(_sums, ([each] for each in wanted)))}; free now: "
                f"{free.get('CPU', 0):g} CPU, {free.get('GPU', 0):g} GPU. Stop other jobs, raise the limit or "
                f"ask for less"
            )
        yield group
    finally:
        remove_placement_group(group)


def _sums(bundles: list[dict[str, float]]) -> str:
    kinds = sorted({kind for bundle in bundles for kind in bundle})
    return " and ".join(f"{sum(bundle.get(kind, 0) for bundle in bundles):g} {kind}" for kind in kinds)


def local_resources() -> dict[str, float]:
    """What a local Ray would offer."""
    import torch

    return {"CPU": float(os.cpu_count() or 1), "GPU": float(torch.cuda.device_count())}
