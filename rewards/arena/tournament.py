"""Who meets whom, and what is made of the outcomes.

A pair meets in both orders. With s the outcome seen from the response that was shown first (2 much better ... -2 much
worse), the share of i against j is

    p_ij = 1/2 + (s_ij - s_ji) / 8,   so that p_ij + p_ji = 1

A preference for the first place adds the same to both outcomes and cancels. Round robin: the score of i is the mean of
p_ij over all others. Equal responses tie and are asked about once.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from lpo.errors import InputError
from rewards.judge.faults import JudgeFault, commonest

Mode: TypeAlias = Literal["round_robin", "swiss"]
Compare: TypeAlias = Callable[[int, int], Awaitable[float]]
"""Outcome of showing one entrant first and another second, from 2 to -2; raises JudgeFault."""

_MOST_TRIED = 10_000


@dataclass(frozen=True)
class Meeting:
    """A pair in both orders: the outcome with ``first`` shown first and that with it shown second, or why they lack."""

    first: int
    second: int
    outcomes: tuple[float, float] | None
    fault: JudgeFault | None = None

    @property
    def share(self) -> float:
        """What ``first`` takes of the point."""
        assert self.outcomes is not None
        return 0.5 + (self.outcomes[0] - self.outcomes[1]) / 8

    @property
    def bias(self) -> float:
        """What the first place was worth, in grades: 0 for a judge that does not care."""
        assert self.outcomes is not None
        return sum(self.outcomes) / 2


@dataclass
class Standing:
    """What became of a group. ``scores`` has an entry per response: a number from 0 to 1, or why there is none."""

    scores: list[float | JudgeFault] = field(default_factory=list)
    meetings: list[Meeting] = field(default_factory=list)

    @property
    def questions(self) -> int:
        """To the judge: two for each meeting."""
        return 2 * len(self.meetings)

    def metrics(self) -> dict[str, float]:
        """Of the meetings that came about: the bias to the first place, and the part in which it turned the outcome."""
        valid = [each for each in self.meetings if each.outcomes is not None]
        found = {}
        if self.meetings:
            found["failed"] = 1 - len(valid) / len(self.meetings)
        if valid:
            found["position_bias"] = sum(each.bias for each in valid) / len(valid)
            turned = [each.outcomes[0] * each.outcomes[1] > 0 for each in valid if each.outcomes is not None]
            found["inconsistent"] = sum(turned) / len(valid)
        return found


async def hold(
    entrants: Sequence[Hashable],
    compare: Compare,
    *,
    mode: Mode = "round_robin",
    rounds: int | None = None,
    least_valid: float = 0.5,
) -> Standing:
    """Lets a group's responses meet, at one time or round by round. ``compare`` is called with places in ``entrants``.

    A response of whose meetings less than ``least_valid``, or none, came about has no score. With less than two
    different entrants there are no meetings, and the score is 1/2.
    """
    places: dict[Hashable, int] = {}
    for place, entrant in enumerate(entrants):
        places.setdefault(entrant, place)
    unique = list(places.values())
    numbers = {entrant: number for number, entrant in enumerate(places)}
    copies = [0] * len(unique)
    for entrant in entrants:
        copies[numbers[entrant]] += 1

    async def meet(pairs: Sequence[tuple[int, int]]) -> list[Meeting]:
        return await asyncio.gather(*(_meet(compare, unique, i, j) for i, j in pairs))

    if mode == "swiss":
        order = sorted(range(len(unique)), key=lambda number: _draw(list(places)[number]))
        meetings = await _swiss(order, swiss_rounds(len(unique)) if rounds is None else rounds, meet)
        valid = sum(each.outcomes is not None for each in meetings)
        all_met = valid == len(unique) * (len(unique) - 1) // 2
        shares = _mean_shares(meetings, copies) if all_met else _expected_shares(meetings, copies)
    else:
        meetings = await meet([(i, j) for i in range(len(unique)) for j in range(i + 1, len(unique))])
        shares = _mean_shares(meetings, copies)
    by_number: list[float | JudgeFault] = []
    for number, share in enumerate(shares):
        own = [each for each in meetings if number in (each.first, each.second)]
        faults = [each.fault for each in own if each.fault is not None]
        valid = len(own) - len(faults) + copies[number] - 1
        scheduled = len(own) + copies[number] - 1
        short = faults and (valid == 0 or valid < least_valid * scheduled)
        by_number.append(commonest(faults) if short else share)
    return Standing([by_number[numbers[entrant]] for entrant in entrants], meetings)


def tournament_settings(mode: Mode, rounds: int | None, least_valid: float, where: str = "") -> dict[str, Any]:
    """What `hold` takes. Raises InputError."""
    if rounds is not None and mode != "swiss":
        raise InputError(
            f"{where}rounds is {rounds}, but all meet all in mode {mode}; leave it out, or set mode: swiss"
        )
    if rounds is not None and rounds < 1:
        raise InputError(f"{where}rounds is {rounds}; it must be at least 1")
    if not 0 <= least_valid <= 1:
        raise InputError(f"{where}least_valid is {least_valid}; it must be from 0 to 1")
    return {"mode": mode, "rounds": rounds, "least_valid": least_valid}


def swiss_rounds(entrants: int) -> int:
    """Rounds that tell ``entrants`` apart: two more than a knock-out needs, at most as many as there are others."""
    return max(0, min(entrants - 1, math.ceil(math.log2(max(1, entrants))) + 2))


def questions(entrants: int, mode: Mode, rounds: int | None) -> int:
    """To the judge, for a group without equal responses: G(G-1), or G for each round."""
    if mode == "round_robin":
        return entrants * (entrants - 1)
    return 2 * (entrants // 2) * max(0, min(entrants - 1, rounds or swiss_rounds(entrants)))


async def _meet(compare: Compare, unique: Sequence[int], i: int, j: int) -> Meeting:
    orders = await asyncio.gather(compare(unique[i], unique[j]), compare(unique[j], unique[i]), return_exceptions=True)
    outcomes: list[float] = []
    for outcome in orders:
        if isinstance(outcome, JudgeFault):
            return Meeting(i, j, None, outcome)  # one order alone would bring its bias in
        if isinstance(outcome, BaseException):
            raise outcome
        outcomes.append(outcome)
    return Meeting(i, j, (outcomes[0], outcomes[1]))


def _mean_shares(meetings: Sequence[Meeting], copies: Sequence[int]) -> list[float]:
    points = [0.5 * (count - 1) for count in copies]
    weight = [count - 1.0 for count in copies]
    for each in meetings:
        if each.outcomes is not None:
            points[each.first] += copies[each.second] * each.share
            points[each.second] += copies[each.first] * (1 - each.share)
            weight[each.first] += copies[each.second]
            weight[each.second] += copies[each.first]
    return [each / total if total else 0.5 for each, total in zip(points, weight, strict=True)]


async def _swiss(
    order: Sequence[int], rounds: int, meet: Callable[[Sequence[tuple[int, int]]], Awaitable[list[Meeting]]]
) -> list[Meeting]:
    """Round by round, those who stand alike meet, and nobody twice. With an odd number one sits out, each in turn."""
    points, sat_out = dict.fromkeys(order, 0.0), dict.fromkeys(order, 0)
    met: set[frozenset[int]] = set()
    meetings: list[Meeting] = []
    for _ in range(min(rounds, len(order) - 1)):
        # Points by meeting, because one who sat out, or whose judge failed, would else fall behind.
        counted = {
            one: sum(one in (each.first, each.second) and each.fault is None for each in meetings) for one in order
        }
        standing = sorted(order, key=lambda one: -(points[one] / counted[one] if counted[one] else 0.5))
        if len(standing) % 2:
            idle = min(reversed(standing), key=lambda one: sat_out[one])
            sat_out[idle] += 1
            standing.remove(idle)
        pairs = _pairs(standing, met)
        met |= {frozenset(pair) for pair in pairs}
        new = await meet(pairs)
        for each in new:
            if each.outcomes is not None:
                points[each.first] += each.share
                points[each.second] += 1 - each.share
        meetings += new
    return meetings


def _pairs(standing: Sequence[int], met: set[frozenset[int]]) -> list[tuple[int, int]]:
    """Neighbours in the standing who have not met, all of them if that can be found soon, else as many as come."""
    budget = _MOST_TRIED

    def match(left: Sequence[int]) -> list[tuple[int, int]] | None:
        nonlocal budget
        if not left:
            return []
        first, *others = left
        for other in others:
            budget -= 1
            if budget < 0:
                return None
            if frozenset((first, other)) not in met:
                rest = match([each for each in others if each != other])
                if rest is not None:
                    return [(first, other), *rest]
        return None

    if (complete := match(standing)) is not None:
        return complete
    pairs, free = [], list(standing)
    while free:
        first = free.pop(0)
        other = next((each for each in free if frozenset((first, each)) not in met), None)
        if other is not None:
            free.remove(other)
            pairs.append((first, other))
    return pairs


def _expected_shares(meetings: Sequence[Meeting], copies: Sequence[int]) -> list[float]:
    """What each would take of a point on average against all others of the group, by strengths fitted to the meetings.

    Points would not do: in a swiss tournament the strong meet the strong. The model is Bradley and Terry's (1952), p_ij
    = e_i / (e_i + e_j), fitted to graded outcomes as parts of a win.
    """
    strength = bradley_terry(
        len(copies), [(each.first, each.second, each.share) for each in meetings if not each.fault]
    )
    against = strength[:, None] / (strength[:, None] + strength[None, :])
    counts = np.array(copies, dtype=float)
    others = counts.sum() - 1
    if others <= 0:
        return [0.5] * len(copies)
    # Against oneself the model says 1/2, which is right for the copies, and one too many.
    return [float(value) for value in (against @ counts - 0.5) / others]


def bradley_terry(count: int, outcomes: Sequence[tuple[int, int, float]], prior: float = 0.5) -> np.ndarray:
    """Strengths of ``count`` entrants, (count,), for outcomes (i, j, what i took of the point).

    The minorise-maximise iteration of Hunter (2004, Annals of Statistics 32), with ``prior`` draws of each against an
    entrant of strength 1, so that an unbeaten one stays finite and one who met nobody is average.
    """
    games, won = np.zeros((count, count)), np.zeros(count)
    for i, j, share in outcomes:
        games[i, j] += 1
        games[j, i] += 1
        won[i] += share
        won[j] += 1 - share
    strength = np.ones(count)
    for _ in range(10_000):
        faced = (games / (strength[:, None] + strength[None, :])).sum(axis=1) + prior / (strength + 1)
        updated = (won + prior / 2) / faced
        done = np.max(np.abs(np.log(updated / strength)), initial=0.0) < 1e-10
        strength = updated
        if done:
            break
    return strength


def _draw(entrant: Hashable) -> str:
    """An order that depends on the entrants alone, so that a group that is judged again meets in the same pairs."""
    return hashlib.sha256(repr(entrant).encode()).hexdigest()
