"""What a worker reserves, and settings that cannot work together."""

from __future__ import annotations

import pytest

from lpo.recipe.runtime import Engine
from rollout.actors import actor_resources
from rollout.engine import transfer_backend


@pytest.mark.parametrize(
    ("fields", "device", "colocated", "cpus", "gpus"),
    [
        ({"threads": 3}, "cpu", False, 3, None),
        ({"threads": 3}, "cpu", True, 0, None),
        ({}, "cuda", False, 1, 1.0),
        ({"tensor_parallel": 4}, "cuda", True, 0, 4),
    ],
)
def test_resources(fields: dict, device: str, colocated: bool, cpus: int, gpus: float | None):
    options = actor_resources(Engine(**fields), device, colocated=colocated)
    assert options["num_cpus"] == cpus
    assert options.get("num_gpus") == gpus


def test_only_single_gpus_are_shared():
    assert actor_resources(Engine(), "cuda", colocated=True, gpu_share=0.5)["num_gpus"] == 0.5
    with pytest.raises(ValueError, match=r"gpu_share is 0.5 with engine.tensor_parallel 2"):
        actor_resources(Engine(tensor_parallel=2), "cuda", colocated=True, gpu_share=0.5)


@pytest.mark.parametrize(
    ("fields", "device", "backend"),
    [({}, "cpu", "lpo_cpu"), ({}, "cuda", "nccl"), ({"transfer": "cpu"}, "cuda", "lpo_cpu")],
)
def test_transfer_backend(fields: dict, device: str, backend: str):
    assert transfer_backend(Engine(**fields), device) == backend


@pytest.mark.parametrize(
    ("fields", "device", "message"),
    [
        ({"transfer": "nccl"}, "cpu", "engine.transfer is 'nccl'"),
        ({"tensor_parallel": 2}, "cpu", "engine.tensor_parallel is 2"),
        ({"block_size": 16}, "cpu", "engine.block_size is 16"),
        ({"transfer": "cpu", "tensor_parallel": 2}, "cuda", "engine.transfer is 'cpu'"),
    ],
)
def test_settings_that_cannot_work(fields: dict, device: str, message: str):
    with pytest.raises(ValueError, match=message):
        transfer_backend(Engine(**fields), device)
