"""The composite reward of Evo-CoT (Ling 2.0, arXiv 2510.22115): right, short for its group, and without markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FORMAT_PENALTY = 0.5


@dataclass(frozen=True)
class CompositeReward:
    """The terms of one response's reward: R = R_correct + R_length + R_format + task terms."""

    correct: float
    """1 or 0."""
    length: float
    """Between -alpha / 2 and alpha / 2."""
    format: float
    """0, or minus the penalty where reasoning is marked."""
    task: float = 0.0
    """What other rewards of the recipe add."""

    @property
    def total(self) -> float:
        return self.correct + self.length + self.format + self.task


def length_reward(
    lengths: Sequence[int], correct: Sequence[bool], alpha: float, limit: float | None = None
) -> list[float]:
    """The length term of one prompt's group.

    p(l) = 0.5 - (l - l_min) / (l_max - l_min + 1e-9), with the shortest and longest of the group; a right response
    earns alpha * p, a wrong one alpha * min(p, 0). So a right answer always beats a wrong one as long as alpha < 1.
    Equal lengths are all shortest: p = 0.5.

    Args:
        lengths: response tokens.
        correct: whether each response is right.
        alpha: weight, 0 <= alpha < 1.
        limit: tokens. A longer response has p = -0.5 whatever the others of its group are like. The paper speaks of a
            limit that depends on difficulty, and gives no formula; this is ours.

    Raises:
        ValueError: alpha is out of range, a length is negative, or the two sequences differ in length.
    """
    if not 0 <= alpha < 1:
        raise ValueError(f"alpha is {alpha}; 0 <= alpha < 1 is needed, so that a right answer always beats a wrong one")
    if len(lengths) != len(correct):
        raise ValueError(f"{len(lengths)} lengths and {len(correct)} verdicts; give one of each per response")
    if not lengths:
        return []
    shortest, longest = min(lengths), max(lengths)
    if shortest < 0:
        raise ValueError(f"lengths hold {shortest}; a length is at least 0")
    places = [
        -0.5 if limit is not None and length > limit else 0.5 - (length - shortest) / (longest - shortest + 1e-9)
        for length in lengths
    ]
    return [alpha * (place if right else min(place, 0.0)) for place, right in zip(places, correct, strict=True)]


def composite_rewards(
    lengths: Sequence[int],
    correct: Sequence[bool],
    marked: Sequence[bool],
    alpha: float,
    *,
    format_penalty: float = FORMAT_PENALTY,
    task: Sequence[float] | None = None,
    limit: float | None = None,
) -> list[CompositeReward]:
    """The rewards of one prompt's group.

    R_correct is 1 for a right response, R_length that of ``length_reward``, R_format ``-format_penalty`` for one that
    marks its reasoning (``<think>``), ``task`` what other rewards say.

    Divided by the group's std (``group_norm``), alpha cancels where all are right or all are wrong and no other term
    differs: only the shape of the lengths is left. ``group_mean`` keeps it.

    Raises:
        ValueError: as ``length_reward``, or sequences that differ in length.
    """
    terms = [0.0] * len(lengths) if task is None else task
    if not len(marked) == len(terms) == len(lengths):
        raise ValueError(
            f"{len(lengths)} lengths, {len(marked)} marks and {len(terms)} task terms; give one of each per response"
        )
    by_length = length_reward(lengths, correct, alpha, limit)
    return [
        CompositeReward(float(right), length, -format_penalty if mark else 0.0, term)
        for right, length, mark, term in zip(correct, by_length, marked, terms, strict=True)
    ]
