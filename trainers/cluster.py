"""The Ray cluster of a run: a local one of its own or an existing one, and a place for every process on it."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from lpo.errors import InputError
from lpo.recipe.runtime import Learner
from lpo.recipe.schema import Recipe

CONNECT_TIMEOUT_S = 5.0

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


def cluster_address(recipe: Recipe) -> str | None:
    """Where the run's cluster is: the recipe's word, else ``RAY_ADDRESS`` (which a Ray job has). None: a local Ray."""
    return recipe.cluster.address or os.environ.get("RAY_ADDRESS") or None


def auth_token() -> str:
    """Ray's token, from where Ray's own commands take it. Empty where there is none or tokens are switched off."""
    if os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        return ""
    file = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    return (os.environ.get("RAY_AUTH_TOKEN") or (file.read_text() if file.is_file() else "")).strip()


@contextmanager
def connected(recipe: Recipe) -> Iterator[None]:
    """Ray, for as long as the block runs. A local Ray is stopped at the end, a cluster is left as it was.

    Raises:
        ClusterError: no cluster answers at the recipe's address.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    address = cluster_address(recipe)
    logging.getLogger("ray").setLevel(logging.ERROR)  # it would tell of its token
    stop_handler = signal.getsignal(signal.SIGTERM)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", "configure_logging": False}
    if address:
        _join(address, quiet)
    else:
        # Ray runs its workers at niceness 15, below everything else on a laptop; here they are what the user waits for.
        os.environ.setdefault("RAY_worker_niceness", "0")
        # "local": without an address Ray would join whatever cluster was last started on this machine.
        ray.init(
            address="local",
            num_cpus=os.cpu_count(),
            include_dashboard=False,
            object_store_memory=int(recipe.cluster.object_store_gib * 2**30),
            **quiet,
        )
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop_handler)  # Ray has put its own there, which ends the process at once
    try:
        yield
    finally:
        ray.shutdown()


def check_capacity(recipe: Recipe) -> None:
    """Refuses a run that its cluster, or this machine, could never hold. Starts nothing; a cluster is asked.

    Raises:
        ClusterError: as ``check_fits`` and ``connected``.
    """
    running = "ray" in sys.modules and sys.modules["ray"].is_initialized()
    if cluster_address(recipe) is None and not running:
        check_fits(recipe, [local_resources(recipe.device)])
        check_memory(recipe, psutil.virtual_memory().total)
    else:
        with connected(recipe):
            check_fits(recipe, cluster_nodes())


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
    for kind, fields in (("CPU", _cpu_fields(recipe, asked)), ("GPU", "learner.ranks, engine.workers")):
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


def describe_layout(recipe: Recipe) -> str:
    """What the run reserves, in words."""
    asked = layout(recipe)
    shared = f", shared with {_count(len(asked.rollout), 'rollout worker')}" if asked.colocated else ""
    place = cluster_address(recipe)
    return f"{_in_words(asked)}{shared}, on {f'the cluster at {place}' if place else 'this machine'}"


@contextmanager
def placed(recipe: Recipe) -> Iterator[Any]:
    """A placement group that holds every process of the run; released at the end, whatever the end is.

    Raises:
        ClusterError: the cluster is too small, or did not free the resources within ``cluster.placement_timeout_s``.
    """
    import ray
    from ray.util.placement_group import placement_group, remove_placement_group

    check_fits(recipe, cluster_nodes())
    group = placement_group(layout(recipe).bundles, strategy="PACK", name=f"lpo {recipe.name}")
    try:
        if not group.wait(recipe.cluster.placement_timeout_s):
            raise ClusterError(_no_room(recipe, ray.cluster_resources(), ray.available_resources()))
        yield group
    finally:
        remove_placement_group(group)


def cluster_nodes() -> list[Bundle]:
    """The resources of every living node of the cluster that this process has joined."""
    import ray

    return [
        {kind: node["Resources"].get(kind, 0.0) for kind in ("CPU", "GPU")} for node in ray.nodes() if node["Alive"]
    ]


def local_resources(device: str) -> Bundle:
    """What a local Ray would offer. GPUs are counted for a recipe that uses them only: it takes an import of torch."""
    gpus = 0.0
    if device == "cuda":
        import torch

        gpus = float(torch.cuda.device_count())
    return {"CPU": float(os.cpu_count() or 1), "GPU": gpus}


def _join(address: str, quiet: dict[str, Any]) -> None:
    import ray

    remedy = "start one with `ray start --head`, or leave cluster.address out to run on this machine alone"
    named = "cluster.address" if address != os.environ.get("RAY_ADDRESS") else "RAY_ADDRESS"
    host, colon, port = address.rpartition(":")
    if "://" in address:
        raise ClusterError(
            f"{named} {address}: a run joins a cluster as one of its machines, by `auto` or host:port (6379 by "
            "default); from outside, give the dashboard's address to `lpo submit`"
        )
    if address != "auto" and not (colon and port.isdigit()):
        raise ClusterError(f"{named} {address} is neither `auto` nor host:port, for example 10.0.0.1:6379")
    if address != "auto":
        # Ray itself would try for a minute, and log while it does.
        _knock(host.strip("[]"), int(port), f"{named} {address}: no Ray cluster answers there", remedy)
    if auth_token() and "RAY_AUTH_MODE" not in os.environ:
        # `ray start --head` asks for the token wherever its user has one; `ray.init` sends it when told to.
        from ray._raylet import Config  # type: ignore[attr-defined]

        os.environ["RAY_AUTH_MODE"] = "token"
        Config.initialize("")
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        ray.shutdown()
        reason = str(error).strip().partition("\n")[0]
        raise ClusterError(f"{named} {address}: no Ray cluster answers there ({reason}); {remedy}") from None


def _knock(host: str, port: int, refusal: str, remedy: str) -> None:
    try:
        socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise ClusterError(f"{refusal} ({error}); {remedy}") from None


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


def _no_room(recipe: Recipe, exists: Bundle, free: Bundle) -> str:
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


def _cpu_fields(recipe: Recipe, asked: Layout) -> str:
    fields = ["learner.ranks", "learner.threads" if recipe.learner.threads else "learner.threads (all cores if unset)"]
    return ", ".join(fields if asked.colocated else [*fields, "engine.workers, engine.threads"])


def _in_words(asked: Layout, kind: str | None = None) -> str:
    parts = [(name, bundle if kind is None else {kind: bundle.get(kind, 0)}, n) for name, bundle, n in asked.parts()]
    return " and ".join(f"{_count(count, name)} of {_amounts(bundle)}" for name, bundle, count in parts)


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'s' * (number > 1)}"


def _amounts(bundle: Bundle) -> str:
    return " + ".join(f"{amount:g} {kind}" for kind, amount in bundle.items() if amount) or "nothing"


def _total(bundles: Sequence[Bundle], kind: str) -> float:
    return sum(bundle.get(kind, 0) for bundle in bundles)
