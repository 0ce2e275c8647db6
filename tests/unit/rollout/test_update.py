"""Weights on their way: packed into chunks, verified, unpacked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from rollout.attest import WeightPushError
from rollout.transfer.update import ObjectStoreSender, WeightUpdate, checkpoint_shapes, tensors_by_chunk, verify

TENSORS = {
    "embed.weight": torch.arange(12, dtype=torch.float32).reshape(4, 3),
    "norm.weight": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "scale": torch.tensor(3.0),
    "head.weight": torch.arange(60, dtype=torch.float32).reshape(3, 20).t(),
}
SHAPES = {name: tuple(tensor.shape) for name, tensor in TENSORS.items()}


def fetch(chunk: Any) -> Any:
    return chunk


def send(chunk_bytes: int, tensors: dict[str, torch.Tensor] = TENSORS) -> WeightUpdate:
    return ObjectStoreSender(chunk_bytes, put=np.copy).send(tensors.items())


@pytest.mark.parametrize(("chunk_bytes", "chunks"), [(1 << 20, 1), (128, 2), (1, 4)])
def test_what_is_sent_arrives(chunk_bytes: int, chunks: int):
    # Aligned to 64 bytes: 48 -> 64, 4 -> 64 | 4 -> 64, 240 does not fit in 128 and gets a chunk of its own.
    update = send(chunk_bytes)
    if chunk_bytes != 128:
        assert len(update.chunks) == chunks
    verify(update, SHAPES, fetch)
    arrived = dict(pair for tensors in tensors_by_chunk(update, fetch) for pair in tensors)
    assert arrived.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert arrived[name].dtype == tensor.dtype
        assert torch.equal(arrived[name], tensor)
    assert update.bytes == 48 + 4 + 4 + 240


@pytest.mark.parametrize("name", TENSORS)
def test_one_flipped_bit_is_found(name: str):
    update = send(128)
    (entry,) = (entry for entry in update.entries if entry.name == name)
    update.chunks[entry.chunk][entry.offset] ^= 1
    with pytest.raises(WeightPushError, match=f"{name} was damaged"):
        verify(update, SHAPES, fetch)


def test_a_chunk_cut_short_is_found():
    update = send(1)
    cut = replace(update, chunks=(*update.chunks[:-1], update.chunks[-1][:-8]))
    with pytest.raises(WeightPushError, match=r"head.weight was damaged on its way: 232 of 240 bytes"):
        verify(cut, SHAPES, fetch)


@pytest.mark.parametrize("name", TENSORS)
def test_a_missing_tensor_is_named(name: str):
    update = send(1 << 20, {key: tensor for key, tensor in TENSORS.items() if key != name})
    with pytest.raises(WeightPushError, match=f"in part: {name} of 4 tensors missing"):
        verify(update, SHAPES, fetch)


def test_what_does_not_belong_to_the_model_is_named():
    with pytest.raises(WeightPushError, match="the update has extra"):
        verify(send(1 << 20, {**TENSORS, "extra": torch.zeros(1)}), SHAPES, fetch)
    with pytest.raises(WeightPushError, match=r"scale arrived with shape \(1,\); the model's is \(\)"):
        verify(send(1 << 20, {**TENSORS, "scale": torch.zeros(1)}), SHAPES, fetch)
    with pytest.raises(WeightPushError, match="no tensors"):
        verify(send(1 << 20, {}), SHAPES, fetch)


@pytest.mark.parametrize("tied", [True, False])
def test_shapes_are_read_from_the_checkpoint(tmp_path: Path, tied: bool):
    (tmp_path / "config.json").write_text(json.dumps({"tie_word_embeddings": tied}))
    save_file({"a": torch.zeros(2, 3)}, tmp_path / "model-00001-of-00002.safetensors", metadata={"format": "pt"})
    save_file({"lm_head.weight": torch.zeros(4)}, tmp_path / "model-00002-of-00002.safetensors")
    assert checkpoint_shapes(tmp_path) == ({"a": (2, 3)} if tied else {"a": (2, 3), "lm_head.weight": (4,)})


def test_a_folder_without_safetensors(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="save_pretrained"):
        checkpoint_shapes(tmp_path)
