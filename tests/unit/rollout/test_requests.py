"""Requests, their seeds, and how they are shared among workers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.requests import SampleRequest, response_seed, split

REQUESTS = st.lists(
    st.builds(
        SampleRequest,
        token_ids=st.just((1,)),
        samples=st.integers(1, 9),
        max_tokens=st.sampled_from([8, 8, 8, 32]),
        seed=st.just(5),
        first_index=st.integers(0, 3),
    ),
    max_size=12,
)


@given(REQUESTS, st.integers(1, 5))
def test_every_response_is_made_exactly_once(requests: list[SampleRequest], workers: int):
    made = [
        (share.row, share.request.first_index + i)
        for shares in split(requests, workers)
        for share in shares
        for i in range(share.request.samples)
    ]
    assert made == [
        (row, request.first_index + i) for row, request in enumerate(requests) for i in range(request.samples)
    ]


@given(REQUESTS, st.integers(1, 5))
def test_no_worker_has_a_response_more_than_its_part(requests: list[SampleRequest], workers: int):
    total = sum(request.most_tokens for request in requests)
    longest = max((request.max_tokens for request in requests), default=0)
    for shares in split(requests, workers):
        assert abs(sum(share.request.most_tokens for share in shares) - total / workers) <= longest


def test_a_group_on_the_cut_is_shared():
    # 3 groups of 4 for 2 workers: 6 responses each, so the second group is cut in the middle.
    first, second = split([SampleRequest([1], samples=4, seed=row) for row in range(3)], 2)
    assert [(share.row, share.request.first_index, share.request.samples) for share in first] == [(0, 0, 4), (1, 0, 2)]
    assert [(share.row, share.request.first_index, share.request.samples) for share in second] == [(1, 2, 2), (2, 0, 4)]


def test_seeds_of_neighbours_differ():
    seeds = [response_seed(seed, index) for seed in range(50) for index in range(50)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"token_ids": []}, "token_ids"),
        ({"samples": 0}, "samples is 0"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"temperature": -1.0}, "temperature is -1"),
        ({"temperature": float("nan")}, "temperature is nan"),
    ],
)
def test_a_request_that_makes_no_sense(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        SampleRequest(**{"token_ids": [1], **fields})
