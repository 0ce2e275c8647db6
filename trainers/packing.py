"""Puts the responses of a step into micro-batches without padding.

A micro-batch is one row of documents laid end to end. A document is a prompt followed by one or more responses to it;
each
response continues the prompt as if it stood there alone, so the prompt of a group is computed once::

    tokens     p0 p1 p2 | a0 a1 | b0 b1 b2 |  q0 q1 | c0 ...
    document    0  0  0    0  0    0  0  0     1  1   1
    branch      0  0  0    1  1    2  2  2     0  0   1
    position    0  1  2    3  4    3  4  5     0  1   2

A token sees itself and what stands before it in its own document, if that is the prompt or its own branch. The shared
computation is the same function of the weights as one row per response, so is its gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass
class TrainSample:
    """One response as the learner needs it. Per-response sequences have the length of ``response_ids``.

    ``group`` and ``member`` say which response it is. ``weight`` is the aggregation weight of each of its tokens,
    computed over the whole optimiser-step batch.
    ``old_logprobs`` None means on-policy: the log-probs of this very pass.
    """

    group: int
    prompt_ids: Sequence[int]
    response_ids: Sequence[int]
    member: int = 0
    weight: float = 0.0
    advantage: float = 0.0
    segment_ids: Sequence[int] = ()
    old_logprobs: Sequence[float] | None = None
    engine_logprobs: Sequence[float] | None = None
    reference_logprobs: Sequence[float] | None = None


@dataclass
class MicroBatch:
    """One row of T tokens that carries N response tokens of B responses.

    ``input_ids``, ``position_ids``, ``document``, ``branch``: (T,). ``predict_from`` (N,) is the index of the hidden
    state that predicts each response token, ``targets`` (N,) that token; ``row`` and ``column`` (N,) say where it
    stands
    in (B, L) tensors whose rows are ``samples``.
    """

    samples: list[TrainSample]
    indices: list[int]
    input_ids: Tensor
    position_ids: Tensor
    document: Tensor
    branch: Tensor
    predict_from: Tensor
    targets: Tensor
    row: Tensor
    column: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """(B, L) of the tensors that ``scatter`` and ``per_token`` make."""
        return len(self.samples), max(len(sample.response_ids) for sample in self.samples)

    def scatter(self, values: Tensor) -> Tensor:
        """(N,) values of response tokens as (B, L), zero where a row has ended."""
        return values.new_zeros(self.shape).index_put((self.row, self.column), values)

    def per_token(self, name: str, dtype: torch.dtype = torch.float32, fill: float = 0.0) -> Tensor:
        """A per-response sequence of every sample as a (B, L) tensor, ``fill`` where a row has ended."""
        out = torch.full(self.shape, fill, dtype=dtype)
        for i, sample in enumerate(self.samples):
            values = getattr(sample, name)
            out[i, : len(values)] = torch.as_tensor(values, dtype=dtype)
        return out.to(self.row.device)

    def per_response(self, name: str) -> Tensor:
        """A number of every sample as a (B,) float64 tensor."""
        values = [getattr(sample, name) for sample in self.samples]
        return torch.tensor(values, dtype=torch.float64, device=self.row.device)

    def mask(self) -> Tensor:
        """(B, L), 1 on response tokens."""
        return self.scatter(torch.ones_like(self.targets, dtype=torch.float32))

    def to(self, device: torch.device) -> MicroBatch:
        moved = {
            name: value.to(device, non_blocking=True)
            for name, value in vars(self).items()
            if isinstance(value, torch.Tensor)
        }
        return MicroBatch(samples=self.samples, indices=self.indices, **moved)


@dataclass
class _Document:
    """A prompt and the responses that continue it."""

    prompt_ids: Sequence[int]
    members: list[int] = field(default_factory=list)
    tokens: int = 0


def _documents(samples: Sequence[TrainSample], budget: int, share_prompts: bool) -> list[_Document]:
    documents: list[_Document] = []
    open_document: dict[tuple[int, tuple[int, ...]], _Document] = {}
    for index, sample in enumerate(samples):
        key = (sample.group, tuple(sample.prompt_ids))
        document = open_document.get(key) if share_prompts else None
        if document is None or document.tokens + len(sample.response_ids) > budget:
            document = _Document(sample.prompt_ids, tokens=len(sample.prompt_ids))
            documents.append(document)
            open_document[key] = document
        document.members.append(index)
        document.tokens += len(sample.response_ids)
    return documents


def assign_to_ranks(
    samples: Sequence[TrainSample], ranks: int, budget: int, share_prompts: bool = True
) -> list[list[int]]:
    """Indices of the samples that each rank computes: documents stay whole, the longest go to the emptiest rank
    first.
    """
    if ranks == 1:
        return [list(range(len(samples)))]
    loads = [0] * ranks
    assigned: list[list[int]] = [[] for _ in range(ranks)]
    for document in sorted(_documents(samples, budget, share_prompts), key=lambda each: -each.tokens):
        rank = loads.index(min(loads))
        loads[rank] += document.tokens
        assigned[rank].extend(document.members)
    return [sorted(indices) for indices in assigned]


def pack(samples: Sequence[TrainSample], budget: int, share_prompts: bool = True) -> list[MicroBatch]:
    """Micro-batches of at most ``budget`` tokens (one document of more than that gets a micro-batch of its own).

    First fit, longest document first; deterministic. Every sample has a response of at least one token and a prompt
    of at least one.
    """
    bins: list[list[_Document]] = []
    room: list[int] = []
    for document in sorted(_documents(samples, budget, share_prompts), key=lambda each: -each.tokens):
        slot = next((i for i, free in enumerate(room) if free >= document.tokens), None)
        if slot is None:
            bins.append([])
            room.append(budget)
            slot = len(bins) - 1
        bins[slot].append(document)
        room[slot] -= document.tokens
    return [_lay_out(documents, samples) for documents in bins]


def _lay_out(documents: list[_Document], samples: Sequence[TrainSample]) -> MicroBatch:
    columns: dict[str, list[int]] = {
        name: []
        for name in (
            "input_ids", "position_ids", "document", "branch", "predict_from", "targets", "row", "column",
        )
    }  # fmt: skip
    indices: list[int] = []

    def lay(tokens: Sequence[int], first_position: int, document: int, branch: int) -> None:
        columns["input_ids"].extend(tokens)
        columns["position_ids"].extend(range(first_position, first_position + len(tokens)))
        columns["document"].extend([document] * len(tokens))
        columns["branch"].extend([branch] * len(tokens))

    for number, document in enumerate(documents):
        lay(document.prompt_ids, 0, number, 0)
        prompt_end = len(columns["input_ids"]) - 1
        for branch, index in enumerate(document.members, start=1):
            response = samples[index].response_ids
            start = len(columns["input_ids"])
            lay(response, len(document.prompt_ids), number, branch)
            columns["predict_from"].extend([prompt_end, *range(start, start + len(response) - 1)])
            columns["targets"].extend(response)
            columns["row"].extend([len(indices)] * len(response))
            columns["column"].extend(range(len(response)))
            indices.append(index)
    tensors: dict[str, Any] = {name: torch.tensor(values, dtype=torch.long) for name, values in columns.items()}
    return MicroBatch(samples=[samples[i] for i in indices], indices=indices, **tensors)


def visible(document: Tensor, branch: Tensor) -> Tensor:
    """(T, T) boolean: may the token of the row attend to the token of the column?"""
    index = torch.arange(len(document), device=document.device)
    same_document = document[:, None] == document[None, :]
    same_branch = (branch[None, :] == 0) | (branch[:, None] == branch[None, :])
    return same_document & same_branch & (index[:, None] >= index[None, :])
