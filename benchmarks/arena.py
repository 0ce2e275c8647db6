"""How well a swiss tournament ranks for its cost, before a simulated judge.

    python -m benchmarks.arena [--seeds 40]

Responses have a worth drawn from a normal distribution of spread 1. The judge sees the difference of two, plus noise,
plus 0.3 for the first place, rounded to the five outcomes. Printed for each group size and noise: questions, the rank
correlation (Spearman) with the worth of the round robin, of the swiss tournament and of the mean points in it, and how
far its scores are from those of the round robin.
"""

from __future__ import annotations

import argparse
import asyncio
import random

import numpy as np
from scipy.stats import spearmanr

from rewards.arena.tournament import Mode, Standing, hold


def tournament(size: int, noise: float, seed: int, mode: Mode) -> tuple[list[float], list[float], Standing]:
    """The worth of ``size`` responses, their scores, and how these came about."""
    rng = random.Random(seed)
    worth = [rng.gauss(0, 1) for _ in range(size)]

    async def compare(first: int, second: int) -> float:
        seen = worth[first] - worth[second] + rng.gauss(0, noise) + 0.3
        return float(max(-2, min(2, round(seen))))

    standing = asyncio.run(hold(list(range(size)), compare, mode=mode))
    return worth, [score for score in standing.scores if isinstance(score, float)], standing


def mean_points(size: int, standing: Standing) -> list[float]:
    points: list[list[float]] = [[] for _ in range(size)]
    for each in standing.meetings:
        points[each.first].append(each.share)
        points[each.second].append(1 - each.share)
    return [float(np.mean(own)) for own in points]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40)
    seeds = parser.parse_args().seeds
    print(f"{'G':>3} {'noise':>5} {'questions':>15}   round robin  swiss  points   apart")
    for size in (8, 16, 32, 64):
        for noise in (0.5, 1.5):
            rows = []
            for seed in range(seeds):
                worth, scores, full = tournament(size, noise, seed, "round_robin")
                _, fitted, swiss = tournament(size, noise, seed, "swiss")
                ranked = [spearmanr(worth, each)[0] for each in (scores, fitted, mean_points(size, swiss))]
                rows.append([*ranked, np.mean(np.abs(np.subtract(scores, fitted)))])
            cost = f"{full.questions} / {swiss.questions}"
            means = np.mean(rows, axis=0)
            print(
                f"{size:3} {noise:5.1f} {cost:>15}   {means[0]:11.3f} {means[1]:6.3f} {means[2]:7.3f} {means[3]:7.3f}"
            )


if __name__ == "__main__":
    main()
