"""Lays the responses of a step into micro-batches, with hardly any padding.

A micro-batch is a few rows of equal width; a row is documents laid end to end. A document is a prompt followed by one
or more responses to it; each response continues the prompt as if it stood there alone, so the prompt of a group is
computed once::

    tokens     p0 p1 p2 | a0 a1 | b0 b1 b2 |  q0 q1 | c0 ...
    document    0  0  0    0  0    0  0  0     1  1   1
    branch      0  0  0    1  1    2  2  2     0  0   1
    position    0  1  2    3  4    3  4  5     0  1   2

A token sees itself and what stands before it in its own document, if that is the prompt or its own branch. The shared
computation is the same function of the weights as one row per response, so is its gradient. Rows are as wide as the
longest document: attention costs the square of the width, everything else the number of tokens.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

MAX_PADDING = 0.05


@dataclass
class TrainSample:
    """One response as the learner needs it. Per-response sequences have the length of ``response_ids``.

    ``group`` and ``member`` say which response it is. ``weight`` is the aggregation weight of each of its tokens,
    computed over the whole optimiser-step batch.
    ``old_logprobs`` None means on-policy: the log-probs of this very pass. ``watch`` asks for the ratios
    of its segments.
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
    watch: bool = False


@dataclass
class MicroBatch:
    """R rows of W tokens that carry N response tokens of B responses.

    ``input_ids``, ``position_ids``, ``document``, ``branch``: (R, W); ``document`` is -1 on padding. ``predict_from``
    (N,) is the index, in the R * W tokens, of the hidden state that predicts each response token, ``targets`` (N,) that
    token; ``row`` and ``column`` (N,) say where it stands in (B, L) tensors whose rows are ``samples``.
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
    head_chunks: int | None = None
    """Calls of the output layer, where ranks must agree on their number; None: as few as memory allows."""

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
        moved: dict[str, Any] = {
            name: value.to(device, non_blocking=True)
            for name, value in vars(self).items()
            if isinstance(value, torch.Tensor)
        }
        return replace(self, **moved)


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
    """Micro-batches of at most ``budget`` tokens, padding included, of which at most `MAX_PADDING` is padding.

    A document of more than that gets a micro-batch of its own. First fit, longest document first; deterministic. Every
    prompt and every response has at least one token.
    """
    documents = sorted(_documents(samples, budget, share_prompts), key=lambda each: -each.tokens)
    batches: list[list[_Row]] = []
    for row in _rows(documents, budget):
        if not batches or not _may_join(row, batches[-1], budget):
            batches.append([])
        batches[-1].append(row)
    return [_lay_out(rows, samples) for rows in batches]


@dataclass
class _Row:
    documents: list[_Document] = field(default_factory=list)
    tokens: int = 0


def _rows(documents: list[_Document], budget: int) -> list[_Row]:
    """Rows as wide as the longest document (but for one beyond the budget), filled by first fit; the fullest first."""
    rows: list[_Row] = []
    for document in documents:
        width = min(budget, documents[0].tokens)
        row = next((each for each in rows if each.tokens + document.tokens <= width), None)
        if row is None:
            row = _Row()
            rows.append(row)
        row.documents.append(document)
        row.tokens += document.tokens
    return sorted(rows, key=lambda each: -each.tokens)


def _may_join(row: _Row, rows: list[_Row], budget: int) -> bool:
    size = rows[0].tokens * (len(rows) + 1)
    padding = size - row.tokens - sum(each.tokens for each in rows)
    return size <= budget and padding <= MAX_PADDING * size


class _Grid:
    """The tokens of a micro-batch while they are laid down, row after row from the left."""

    def __init__(self, rows: int, width: int) -> None:
        self.input_ids = torch.zeros(rows, width, dtype=torch.long)
        self.position_ids = torch.zeros_like(self.input_ids)
        self.branch = torch.zeros_like(self.input_ids)
        self.document = torch.full_like(self.input_ids, -1)
        self._width, self._row, self._column = width, 0, 0

    def new_row(self, row: int) -> None:
        self._row, self._column = row, 0

    def lay(self, tokens: Sequence[int], position: int, document: int, branch: int) -> int:
        """Appends to the current row; the index of the first token among the R * W."""
        first, end = self._column, self._column + len(tokens)
        self.input_ids[self._row, first:end] = torch.as_tensor(tokens)
        self.position_ids[self._row, first:end] = torch.arange(position, position + len(tokens))
        self.document[self._row, first:end] = document
        self.branch[self._row, first:end] = branch
        self._column = end
        return self._row * self._width + first


def _lay_out(rows: list[_Row], samples: Sequence[TrainSample]) -> MicroBatch:
    grid = _Grid(len(rows), rows[0].tokens)
    places: dict[str, list[int]] = {name: [] for name in ("predict_from", "targets", "row", "column")}
    indices: list[int] = []
    numbers = itertools.count()
    for line, row in enumerate(rows):
        grid.new_row(line)
        for document in row.documents:
            number, length = next(numbers), len(document.prompt_ids)
            prompt_end = grid.lay(document.prompt_ids, 0, number, 0) + length - 1
            for branch, index in enumerate(document.members, start=1):
                response = samples[index].response_ids
                start = grid.lay(response, length, number, branch)
                places["predict_from"].extend([prompt_end, *range(start, start + len(response) - 1)])
                places["targets"].extend(response)
                places["row"].extend([len(indices)] * len(response))
                places["column"].extend(range(len(response)))
                indices.append(index)
    tensors: dict[str, Any] = {name: torch.tensor(values, dtype=torch.long) for name, values in places.items()}
    return MicroBatch(
        samples=[samples[i] for i in indices],
        indices=indices,
        input_ids=grid.input_ids,
        position_ids=grid.position_ids,
        document=grid.document,
        branch=grid.branch,
        **tensors,
    )


def visible(document: Tensor, branch: Tensor) -> Tensor:
    """(R, W, W) boolean: may the token of the line attend to the token of the column? Padding sees padding only."""
    index = torch.arange(document.shape[1], device=document.device)
    same_document = document[:, :, None] == document[:, None, :]
    same_branch = (branch[:, None, :] == 0) | (branch[:, :, None] == branch[:, None, :])
    return same_document & same_branch & (index[:, None] >= index[None, :])
