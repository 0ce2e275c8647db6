"""Joining a cluster, and the words for it."""

import re
import socket

import pytest

from lpo.errors import RunError
from tests.unit.trainers.bare_recipe import recipe
from trainers.cluster import connected, describe_layout
from trainers.placement import ClusterError


def test_the_reservation_in_words(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    run = recipe(learner={"threads": 2}, engine={"workers": 2})
    assert describe_layout(run) == "1 learner rank of 2 CPU, shared with 2 rollout workers, on this machine"
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    assert describe_layout(recipe(learner={"threads": 2}, cluster={"colocate": False})).endswith(
        "of 2 CPU and 1 rollout worker of 1 CPU, on the cluster at head:6379"
    )


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ray://head:10001", "`auto` or host:port"),
        ("http://head:8265", "give the dashboard's address to `lpo submit`"),
        ("head", "neither `auto` nor host:port"),
    ],
)
def test_addresses_that_a_run_cannot_join(address: str, said: str):
    assert said in refused_address(address)


def test_nobody_at_the_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    said = refused_address(address)
    assert f"cluster.address {address}: no Ray cluster answers there" in said
    assert "start one with `ray start --head`" in said


def test_no_cluster_on_this_machine(monkeypatch: pytest.MonkeyPatch):
    def init(**options: object) -> None:
        raise ConnectionError("Could not find any running Ray instance.\nMore words")

    monkeypatch.setattr("ray.init", init)
    said = refused_address("auto")
    assert said.startswith(
        "cluster.address auto: no Ray cluster answers there (Could not find any running Ray instance.);"
    )


def refused_address(address: str) -> str:
    with pytest.raises(ClusterError) as caught, connected(recipe(cluster={"address": address})):
        pass
    return str(caught.value)


@pytest.mark.parametrize(
    ("said", "tries"), [("The current node timed out during startup.", 2), ("no room in /dev/shm", 1)]
)
def test_a_ray_of_its_own_that_is_late_is_started_once_more(monkeypatch: pytest.MonkeyPatch, said: str, tries: int):
    starts = []

    def init(**options: object) -> None:
        starts.append(options["address"])
        raise Exception(said)

    monkeypatch.setattr("ray.init", init)
    with pytest.raises(RunError, match=re.escape(said)), connected(recipe()):
        pass
    assert starts == ["local"] * tries
