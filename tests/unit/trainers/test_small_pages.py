"""Small requests: as many as asked for, no two alike, the same for the same seed, with checks that can be read."""

from __future__ import annotations

from itertools import islice

from rewards.frontend.plugin import load_checks
from trainers.data.small_pages import DESIGNS, KINDS, small_pages


def test_requests_differ_and_repeat_with_their_seed():
    made = list(small_pages(600, seed=3))
    assert len({row["prompt"] for row in made}) == 600
    assert made == list(small_pages(600, seed=3))
    assert made != list(small_pages(600, seed=4))
    for row in made[: len(KINDS)]:
        assert load_checks(row["checks"]) is not None


def test_pages_are_of_mixed_quality_unless_only_the_best_are_wanted():
    pages = [row["response"] for row in islice(small_pages(400, seed=0), 400)]
    shares = [sum(design in page for page in pages) / 400 for design in DESIGNS]
    assert all(share > 0.1 for share in shares)
    assert all(DESIGNS[0] in row["response"] for row in small_pages(50, seed=0, best=True))
