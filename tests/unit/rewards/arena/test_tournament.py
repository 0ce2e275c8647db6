"""Scores of small tournaments worked by hand; bias cancels; swiss pairings; strengths."""

from __future__ import annotations

import asyncio
import random

import numpy as np
import pytest
from scipy.stats import spearmanr

from rewards.arena.tournament import bradley_terry, hold, swiss_rounds
from rewards.judge.faults import JudgeFault


def held(entrants, outcome, **settings):
    """A tournament; ``outcome(i, j)`` of the entrants themselves, shown in that order."""
    asked = []

    async def compare(i, j):
        asked.append((entrants[i], entrants[j]))
        await asyncio.sleep(0)
        found = outcome(entrants[i], entrants[j])
        if isinstance(found, Exception):
            raise found
        return float(found)

    return asyncio.run(hold(entrants, compare, **settings)), asked


def test_a_round_robin_worked_by_hand():
    # a against b is clearly better in both orders: (2 - -2) / 8 + 1/2 = 1. a against c: better when first, equal when
    # second: (1 - 0) / 8 + 1/2 = 0.625. b against c: worse in both, (-1 - 1) / 8 + 1/2 = 0.25.
    outcomes = {"ab": 2, "ba": -2, "ac": 1, "ca": 0, "bc": -1, "cb": 1}
    standing, asked = held("abc", lambda i, j: outcomes[i + j])
    assert standing.scores == [(1 + 0.625) / 2, (0 + 0.25) / 2, (0.375 + 0.75) / 2]
    assert sum(standing.scores) == 3 / 2
    assert sorted(asked) == ["ab", "ac", "ba", "bc", "ca", "cb"] or len(asked) == 6
    assert standing.questions == 6
    # What the first place was worth: (2 - 2) / 2, (1 + 0) / 2, (-1 + 1) / 2.
    assert standing.metrics() == {
        "failed": 0.0,
        "position_bias": pytest.approx(0.5 / 3),
        "inconsistent": 0.0,
    }


@pytest.mark.parametrize("bias", [-1, -0.5, 0.5, 1])
@pytest.mark.parametrize("mode", ["round_robin", "swiss"])
def test_a_preference_for_a_place_cancels_exactly(bias, mode):
    worth = {"a": 0.75, "b": 0.5, "c": 0.25, "d": 0.0}
    fair, _ = held("abcd", lambda i, j: worth[i] - worth[j], mode=mode)
    biased, _ = held("abcd", lambda i, j: worth[i] - worth[j] + bias, mode=mode)
    assert biased.scores == fair.scores
    assert biased.metrics()["position_bias"] == bias
    assert fair.metrics()["position_bias"] == 0


def test_a_judge_that_always_prefers_the_first_says_nothing():
    standing, _ = held("abcd", lambda i, j: 2)
    assert standing.scores == [0.5] * 4
    assert (standing.metrics()["position_bias"], standing.metrics()["inconsistent"]) == (2.0, 1.0)


def test_equal_responses_tie_and_are_asked_about_once():
    # a beats b clearly. The two a: one tie and two clear wins each; the two b: one tie and two clear losses each.
    standing, asked = held(["a", "b", "a", "b"], lambda i, j: 2 if i == "a" else -2)
    assert len(asked) == 2
    assert standing.scores == [2.5 / 3, 0.5 / 3, 2.5 / 3, 0.5 / 3]
    whole, asked = held(["a", "b", "c", "d"], lambda i, j: 2 * ((i in "ac") - (j in "ac")))
    assert whole.scores == standing.scores
    same, asked = held(["a"] * 5, lambda i, j: 2)
    assert (same.scores, asked, same.metrics()) == ([0.5] * 5, [], {})


def test_a_failed_comparison_leaves_its_pair_out_in_both_orders():
    def outcome(i, j):
        return JudgeFault("judge_down", "gone") if i + j == "ba" else 1

    standing, asked = held("abcd", lambda i, j: outcome(i, j) if i + j in ("ab", "ba") else (2 if i < j else -2))
    assert len(asked) == 12
    # a met c and d, b met c and d, and beat both.
    assert standing.scores == [1, 1, 1 / 3, 0]
    assert standing.metrics()["failed"] == pytest.approx(1 / 6)


def test_too_few_valid_comparisons_are_no_score():
    def outcome(i, j):
        if "a" in i + j:
            return JudgeFault("judge_busy", "429") if "b" in i + j else JudgeFault("judge_down", "503")
        return 0

    standing, _ = held("abcd", outcome, least_valid=0.5)
    assert isinstance(standing.scores[0], JudgeFault)
    assert standing.scores[0].cause == "judge_down"  # two of its three
    assert standing.scores[1:] == [0.5] * 3
    strict, _ = held("abcd", outcome, least_valid=1.0)
    assert [getattr(score, "cause", None) for score in strict.scores] == [
        "judge_down",
        "judge_busy",
        *["judge_down"] * 2,
    ]
    lenient, _ = held("abcd", outcome, least_valid=0.0)
    assert isinstance(lenient.scores[0], JudgeFault)  # none at all came about


def test_an_exception_that_is_no_fault_of_a_judge_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        held("ab", lambda i, j: ZeroDivisionError())


@pytest.mark.parametrize(("size", "rounds"), [(2, 1), (3, 2), (7, 6), (8, 7), (9, 4), (16, 6), (16, 15), (33, 8)])
def test_swiss_pairs_nobody_twice_and_lets_all_play(size, rounds):
    rng = random.Random(size)
    worth = {name: rng.random() for name in range(size)}
    standing, asked = held(list(range(size)), lambda i, j: worth[i] - worth[j], mode="swiss", rounds=rounds)
    pairs = [frozenset((each.first, each.second)) for each in standing.meetings]
    assert len(set(pairs)) == len(pairs)
    played = [sum(one in pair for pair in pairs) for one in range(size)]
    assert max(played) <= rounds
    assert min(played) >= rounds - 1 - (size % 2)
    if rounds < size / 2:  # there is a complete pairing then (Dirac)
        assert len(pairs) == rounds * (size // 2)
        assert max(played) - min(played) <= 1
    assert len(asked) == standing.questions == 2 * len(pairs)


def test_in_later_rounds_those_who_stand_alike_meet():
    standing, _ = held(list(range(16)), lambda i, j: 2 if i > j else -2, mode="swiss", rounds=4)
    last = standing.meetings[-8:]
    early = standing.meetings[:8]
    distance = [sum(abs(each.first - each.second) for each in meetings) for meetings in (early, last)]
    assert distance[1] < distance[0]


def test_the_same_group_meets_in_the_same_pairs_again():
    runs = [held(list("hgfedcba"), lambda i, j: 1 if i < j else -1, mode="swiss", rounds=2)[1] for _ in range(2)]
    assert sorted(runs[0]) == sorted(runs[1])


def noisy(size, seed, mode, noise=1.0):
    rng = random.Random(seed)
    worth = [rng.gauss(0, 1) for _ in range(size)]

    def outcome(i, j):
        return max(-2, min(2, round(worth[i] - worth[j] + rng.gauss(0, noise) + 0.3)))

    return worth, held(list(range(size)), outcome, mode=mode)[0]


def test_swiss_ranks_nearly_as_round_robin_for_a_quarter_of_the_questions_under_noise():
    swiss, full, share, apart = [], [], [], []
    for seed in range(6):
        worth, cheap = noisy(32, seed, "swiss")
        _, dear = noisy(32, seed, "round_robin")
        swiss.append(spearmanr(worth, cheap.scores)[0])
        full.append(spearmanr(worth, dear.scores)[0])
        share.append(cheap.questions / dear.questions)
        apart.append(np.mean(np.abs(np.subtract(cheap.scores, dear.scores))))
    assert max(share) < 0.25
    assert np.mean(full) > 0.97
    assert np.mean(swiss) > 0.9
    assert np.mean(apart) < 0.08  # the same scale, whatever the mode


def test_strengths_explain_the_shares_that_they_were_fitted_to():
    # Without the prior, strengths 1:3 are the maximum for a share of 1/4: 1 / (1 + 3).
    one, three = bradley_terry(2, [(0, 1, 0.25)], prior=1e-9)
    assert one / (one + three) == pytest.approx(0.25, abs=1e-4)
    rng = np.random.default_rng(0)
    true = np.exp(rng.normal(size=6))
    outcomes = [(i, j, true[i] / (true[i] + true[j])) for i in range(6) for j in range(i)]
    fitted = bradley_terry(6, outcomes, prior=1e-9)
    assert np.allclose(fitted / fitted[0], true / true[0], rtol=1e-3)
    assert np.allclose(bradley_terry(3, []), 1)
    unbeaten = bradley_terry(2, [(0, 1, 1.0)] * 5)
    assert np.isfinite(unbeaten).all()
    # At the maximum, with a prior of 1/2 draws against 1: won + 1/4 = sum of games x p + p(against 1) / 2.
    p = unbeaten[0] / unbeaten.sum()
    assert 5 * p + 0.5 * unbeaten[0] / (unbeaten[0] + 1) == pytest.approx(5 + 0.25)


def test_copies_in_a_swiss_tournament_stand_alike():
    standing, asked = held(["a", "b", "a", "c"], lambda i, j: 2 if i < j else -2, mode="swiss")
    assert len(asked) == 4  # three entrants: in each of two rounds one sits out
    assert standing.scores[0] == standing.scores[2] > standing.scores[1]
    assert standing.scores[1] == standing.scores[3]  # who never met, and lost the same
    assert sum(standing.scores) == pytest.approx(2)


def test_swiss_with_all_rounds_is_a_round_robin():
    outcome = lambda i, j: 2 if i < j else -1  # noqa: E731
    full, _ = held("abcd", outcome)
    swiss, _ = held("abcd", outcome, mode="swiss", rounds=9)
    assert swiss.scores == pytest.approx(full.scores)


def test_rounds_by_default():
    assert [swiss_rounds(size) for size in (1, 2, 4, 8, 16, 64)] == [0, 1, 3, 5, 6, 8]
