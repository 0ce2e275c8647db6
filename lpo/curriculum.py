"""Evo-CoT: short reasoning that stays right. The length term of its reward."""

from __future__ import annotations

from collections.abc import Sequence


def length_reward(lengths: Sequence[int], correct: Sequence[bool], alpha: float) -> list[float]:
    """The length term of one prompt's group (Ling 2.0, arXiv 2510.22115).

    p(l) = 0.5 - (l - l_min) / (l_max - l_min + 1e-9), with the shortest and longest of the group; a right response
    earns alpha * p, a wrong one alpha * min(p, 0). So a right answer always beats a wrong one as long as alpha < 1.

    Args:
        lengths: response tokens.
        correct: whether each response is right.
        alpha: weight, 0 <= alpha < 1.

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
    places = [0.5 - (length - shortest) / (longest - shortest + 1e-9) for length in lengths]
    return [alpha * (place if right else min(place, 0.0)) for place, right in zip(places, correct, strict=True)]
