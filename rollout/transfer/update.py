"""A push of weights as data: a manifest of named tensors and their bytes in chunks."""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rollout.attest import WeightPushError

if TYPE_CHECKING:
    import numpy as np
    import torch

Fetch = Callable[[Any], "np.ndarray"]
"""Turns one element of ``WeightUpdate.chunks`` into its bytes: ``ray.get``, or the identity."""

CHUNK_BYTES = 64 * 2**20
ALIGNMENT = 64


@dataclass(frozen=True)
class TensorEntry:
    """One tensor of a push, under its Hugging Face name."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """Of torch, without the prefix: ``float32``."""
    chunk: int
    offset: int
    """In bytes, from the start of the chunk."""
    checksum: int
    """CRC-32 of the bytes."""

    @property
    def bytes(self) -> int:
        import torch

        return math.prod(self.shape) * getattr(torch, self.dtype).itemsize


@dataclass(frozen=True)
class WeightUpdate:
    """Manifest and payload. ``chunks`` are flat uint8 arrays, or Ray references that keep them alive."""

    entries: tuple[TensorEntry, ...]
    chunks: tuple[Any, ...]

    @property
    def bytes(self) -> int:
        return sum(entry.bytes for entry in self.entries)


class ObjectStoreSender:
    """The learner's end: packs tensors into chunks and hands them to ``put`` (``ray.put`` by default), which must copy.

    Beside the model itself it holds one chunk; a tensor larger than a chunk gets a chunk of its own.
    """

    def __init__(self, chunk_bytes: int = CHUNK_BYTES, put: Callable[[Any], Any] | None = None) -> None:
        if put is None:
            import ray

            put = ray.put
        self._put = put
        self._chunk_bytes = chunk_bytes

    def send(self, named_tensors: Iterable[tuple[str, torch.Tensor]]) -> WeightUpdate:
        """Copy every tensor out. Names are Hugging Face's; of tied tensors only one is sent."""
        import numpy as np

        entries: list[TensorEntry] = []
        chunks: list[Any] = []
        chunk = np.empty(self._chunk_bytes, dtype=np.uint8)
        used = 0
        for name, tensor in named_tensors:
            data = _bytes_of(tensor)
            if used and used + data.size > chunk.size:
                chunks.append(self._put(chunk[:used]))
                used = 0
            if data.size > chunk.size:
                chunk = np.empty(data.size, dtype=np.uint8)
            chunk[used : used + data.size] = data
            dtype = str(tensor.dtype).removeprefix("torch.")
            entries.append(TensorEntry(name, tuple(tensor.shape), dtype, len(chunks), used, zlib.crc32(data.data)))
            used = min(used + -(-data.size // ALIGNMENT) * ALIGNMENT, chunk.size)
        if used:
            chunks.append(self._put(chunk[:used]))
        return WeightUpdate(tuple(entries), tuple(chunks))


def verify(update: WeightUpdate, expected: dict[str, tuple[int, ...]], fetch: Fetch) -> None:
    """Check names, shapes and checksums of what arrived, before the engine is touched.

    ``expected`` are the names and shapes of the model's own checkpoint (``checkpoint_shapes``).

    Raises:
        WeightPushError: a tensor is missing, unknown, of another shape, or its bytes are not those that were sent.
    """
    sent = {entry.name: entry.shape for entry in update.entries}
    if not sent:
        raise WeightPushError("nothing arrived: the update has no tensors")
    if len(sent) != len(update.entries):
        raise WeightPushError("the update names a tensor twice")
    if missing := sorted(expected.keys() - sent.keys()):
        raise WeightPushError(f"the weights arrived in part: {_some(missing)} of {len(expected)} tensors missing")
    if unknown := sorted(sent.keys() - expected.keys()):
        raise WeightPushError(f"the update has {_some(unknown)}, which the model's checkpoint does not have")
    for name, shape in sent.items():
        if shape != expected[name]:
            raise WeightPushError(f"{name} arrived with shape {shape}; the model's is {expected[name]}")
    for index, chunk in enumerate(update.chunks):
        data = fetch(chunk)
        for entry in _entries_of(update, index):
            arrived = data[entry.offset : entry.offset + entry.bytes]
            if arrived.size != entry.bytes or zlib.crc32(arrived.data) != entry.checksum:
                raise WeightPushError(
                    f"{entry.name} was damaged on its way: {arrived.size} of {entry.bytes} bytes, checksum differs"
                )


def tensors_by_chunk(update: WeightUpdate, fetch: Fetch) -> Iterator[list[tuple[str, torch.Tensor]]]:
    """The named tensors, one chunk in memory at a time: read-only views of the payload where it is shared memory."""
    import warnings

    import torch

    for index, chunk in enumerate(update.chunks):
        data = fetch(chunk)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given (NumPy array|buffer) is not writable")
            flat = torch.from_numpy(data)
        yield [
            (
                entry.name,
                flat[entry.offset : entry.offset + entry.bytes].view(getattr(torch, entry.dtype)).reshape(entry.shape),
            )
            for entry in _entries_of(update, index)
        ]


def checkpoint_shapes(model_path: str | Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors a push must bring, from the safetensors headers of a model folder.

    A tied ``lm_head.weight`` is left out: some checkpoints store it, no learner sends it.

    Raises:
        FileNotFoundError: the folder has no ``*.safetensors``.
    """
    folder = Path(model_path)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"{folder} has no *.safetensors file; save the model with save_pretrained first")
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(length))
        shapes.update({name: tuple(each["shape"]) for name, each in header.items() if name != "__metadata__"})
    config = json.loads((folder / "config.json").read_text())
    if config.get("tie_word_embeddings") and len(shapes) > 1:
        shapes.pop("lm_head.weight", None)
    return shapes


def _entries_of(update: WeightUpdate, chunk: int) -> Iterator[TensorEntry]:
    return (entry for entry in update.entries if entry.chunk == chunk)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _bytes_of(tensor: torch.Tensor) -> np.ndarray:
    import torch

    return tensor.detach().to("cpu").contiguous().reshape(-1).view(torch.uint8).numpy()
