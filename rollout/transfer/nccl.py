"""Weight transfer between GPUs: NCCL broadcast from the learner's rank 0, through vLLM's ``nccl`` backend.

Never run where this was written (no GPU): built from vLLM 0.32's ``NCCLTrainerWeightTransferEngine``, whose receiving
half vLLM runs itself. The order of a push: the fleet scores the probe, the sender's broadcast and the engines' receives
meet in NCCL, the fleet scores again and judges. There are no checksums on this way; the log-probs decide.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Rendezvous:
    """Where learner and engines meet. ``world_size`` is 1 + engines * tensor_parallel."""

    master_address: str
    master_port: int
    world_size: int


@dataclass(frozen=True)
class NcclUpdate:
    """What the engines must expect: metadata only, the tensors follow by broadcast."""

    names: tuple[str, ...]
    dtypes: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    def as_vllm(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "dtype_names": list(self.dtypes),
            "shapes": [list(shape) for shape in self.shapes],
        }


class NcclSender:
    """The learner's end, on its rank 0. ``connect`` runs while ``Fleet.connect`` does, ``send`` before ``Fleet.push``.

    Args:
        rendezvous: the same that ``Fleet.connect`` gets.
        metadata: (name, shape, dtype as ``"bfloat16"``) of what ``send`` will be given, in order. It is needed before
            the first tensor exists: gathering sharded parameters is a collective, and engines size their buffers first.
    """

    def __init__(self, rendezvous: Rendezvous, metadata: Iterable[tuple[str, tuple[int, ...], str]]) -> None:
        names, shapes, dtypes = zip(*metadata, strict=True)
        self._rendezvous = rendezvous
        self._update = NcclUpdate(names, dtypes, shapes)
        self._group: Any = None
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def connect(self) -> None:
        """Join the group as rank 0; blocks until every engine has joined."""
        from vllm.distributed.weight_transfer.nccl_common import trainer_init

        self._group = trainer_init(asdict(self._rendezvous))

    def send(self, named_tensors: Iterable[tuple[str, torch.Tensor]]) -> NcclUpdate:
        """Begin the broadcast in a thread and return what ``Fleet.push`` needs to meet it. ``wait`` after the push.

        The other ranks of the learner iterate the same tensors in the same order, where gathering them is a collective.
        """
        if self._thread is not None:
            raise RuntimeError("a broadcast is still under way; call wait() after each push")
        self._thread = threading.Thread(
            target=self._broadcast, args=(named_tensors,), name="weight-broadcast", daemon=True
        )
        self._thread.start()
        return self._update

    def wait(self) -> None:
        """Return when every byte has left.

        Raises:
            RuntimeError: the broadcast failed; the engines are then stuck in it and must be restarted.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise RuntimeError(f"the weight broadcast failed: {error}") from error

    def close(self) -> None:
        """Leave the group."""
        if self._group is not None:
            self._group.destroy()
            self._group = None

    def _broadcast(self, named_tensors: Iterable[tuple[str, torch.Tensor]]) -> None:
        import torch
        from vllm.distributed.weight_transfer.packed_tensor import (
            DEFAULT_PACKED_BUFFER_SIZE_BYTES,
            DEFAULT_PACKED_NUM_BUFFERS,
            packed_nccl_broadcast_producer,
        )

        try:
            torch.cuda.set_device(self._group.device)
            packed_nccl_broadcast_producer(
                iterator=iter(self._checked(named_tensors)),
                group=self._group,
                src=0,
                post_iter_func=lambda item: item[1],
                buffer_size_bytes=DEFAULT_PACKED_BUFFER_SIZE_BYTES,
                num_buffers=DEFAULT_PACKED_NUM_BUFFERS,
            )
            torch.cuda.current_stream().synchronize()
        except BaseException as error:
            # Re-raised by wait(): a thread has no caller.
            self._error = error

    def _checked(self, named_tensors: Iterable[tuple[str, torch.Tensor]]) -> Iterable[tuple[str, torch.Tensor]]:
        # The receivers cut the stream by the metadata: a difference would hang in NCCL or load garbage.
        expected = zip(self._update.names, self._update.shapes, self._update.dtypes, strict=True)
        for (name, tensor), declared in zip(named_tensors, expected, strict=True):
            found = (name, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
            if found != declared:
                raise ValueError(f"the learner sends {found} where {declared} was declared")
            yield name, tensor
