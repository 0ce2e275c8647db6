"""What the fleet is asked to sample."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

ScoredSequence = tuple[Sequence[int], Sequence[int]]
"""Token ids of a prompt and of a response to it."""


@dataclass(frozen=True)
class SampleRequest:
    """``samples`` responses to one prompt, from the full distribution (no top-p, no top-k).

    ``temperature`` 0 is greedy decoding. With a ``seed`` every response draws from its own generator, seeded by
    ``response_seed(seed, first_index + i)``: the same seed and weights give the same tokens, whatever else is in the
    batch. Without one the draws depend on the order of work.
    """

    token_ids: Sequence[int]
    samples: int = 1
    max_tokens: int = 128
    temperature: float = 1.0
    seed: int | None = None
    first_index: int = 0
    """Index of the first response within its group: a group that is shared between workers keeps its seeds."""

    def __post_init__(self) -> None:
        if not self.token_ids:
            raise ValueError("token_ids is empty; a request needs at least one prompt token")
        if self.samples < 1:
            raise ValueError(f"samples is {self.samples}; at least 1 is needed")
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens is {self.max_tokens}; at least 1 is needed")
        if not 0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature is {self.temperature}; use 0 for greedy decoding or a positive number")

    @property
    def most_tokens(self) -> int:
        """Upper bound of the tokens this request can generate: its cost for balancing."""
        return self.samples * self.max_tokens


@dataclass(frozen=True)
class Share:
    """What one worker does of a request: responses ``request.first_index`` and on of request ``row``."""

    row: int
    request: SampleRequest


def split(requests: Sequence[SampleRequest], workers: int) -> list[list[Share]]:
    """Cut the responses of all requests, in order, into ``workers`` runs of equal cost (tokens they can have at most).

    Static, so that what a worker is given does not depend on how fast another one is. A request that lies on a cut is
    shared.
    """
    total = sum(request.most_tokens for request in requests)
    shares: list[list[Share]] = [[] for _ in range(workers)]
    before = 0
    for row, request in enumerate(requests):
        # A response belongs to the worker in whose part of the total its middle falls.
        owners = [
            min(workers - 1, (2 * before + (2 * column + 1) * request.max_tokens) * workers // (2 * total))
            for column in range(request.samples)
        ]
        for worker in sorted(set(owners)):
            part = replace(
                request, samples=owners.count(worker), first_index=request.first_index + owners.index(worker)
            )
            shares[worker].append(Share(row, part))
        before += request.most_tokens
    return shares


def response_seed(seed: int, index: int) -> int:
    """The seed of response ``index`` of a request seeded with ``seed``, in [0, 2**63).

    Hashed, because the seeds of neighbouring requests are often neighbours too: with ``seed + index`` two of them would
    draw the same noise for different responses.
    """
    digest = hashlib.blake2b(f"{seed}:{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
