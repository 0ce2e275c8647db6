"""Means over seeds, and whether two algorithms differ by more than chance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True)
class Interval:
    """A mean over n runs with the half-width of its 95% interval by Student's t; None for a single run."""

    mean: float
    half_width: float | None
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f}" + (f" ± {self.half_width:.3f}" if self.half_width is not None else "")


def interval(values: Sequence[float]) -> Interval:
    """The mean of at least one value."""
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return Interval(mean, None, 1)
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return Interval(mean, float(stats.t.ppf(0.975, n - 1)) * math.sqrt(variance / n), n)


@dataclass(frozen=True)
class PairedTest:
    """Two algorithms on the seeds that both have. ``difference`` is the mean of first minus second.

    ``p_t`` is of the paired t test, ``p_permutation`` of the exact sign-flip test (the share of all 2^n sign patterns
    whose mean is as far from 0), ``p_holm`` the t test's after Holm's correction over all pairs tested together.
    NaN with fewer than two seeds; the t test's also where differences are all alike.
    """

    first: str
    second: str
    seeds: int
    difference: float
    p_t: float
    p_permutation: float
    p_holm: float = math.nan


def paired_tests(results: Mapping[str, Mapping[int, float]]) -> list[PairedTest]:
    """Every pair of algorithms, by seed. ``results`` is label to seed to value."""
    tests = [
        _paired(first, second, results[first], results[second]) for first, second in itertools.combinations(results, 2)
    ]
    return _holm([test for test in tests if test.seeds])


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p of the exact sign-flip test of mean 0; n differences give no p below 2 / 2^n."""
    n = len(differences)
    if n > 20:
        raise ValueError(f"{n} differences have 2^{n} sign patterns; at most 20 are tried")
    observed = abs(math.fsum(differences)) - 1e-12
    patterns = itertools.product((1, -1), repeat=n)
    extreme = sum(
        abs(math.fsum(s * d for s, d in zip(signs, differences, strict=True))) >= observed for signs in patterns
    )
    return extreme / 2**n


def _paired(first: str, second: str, one: Mapping[int, float], two: Mapping[int, float]) -> PairedTest:
    seeds = sorted(one.keys() & two.keys())
    differences = [one[seed] - two[seed] for seed in seeds]
    if not seeds:
        return PairedTest(first, second, 0, math.nan, math.nan, math.nan)
    mean = math.fsum(differences) / len(differences)
    if len(seeds) < 2:
        return PairedTest(first, second, len(seeds), mean, math.nan, math.nan)
    alike = max(differences) - min(differences) < 1e-12
    p_t = math.nan if alike else float(stats.ttest_1samp(differences, 0.0).pvalue)
    p_permutation = sign_flip_p(differences) if len(seeds) <= 20 else math.nan
    return PairedTest(first, second, len(seeds), mean, p_t, p_permutation)


def _holm(tests: Sequence[PairedTest]) -> list[PairedTest]:
    """The i-th smallest of m p-values is multiplied by m - i + 1; corrected values never fall."""
    known = sorted((test for test in tests if not math.isnan(test.p_t)), key=lambda test: test.p_t)
    corrected: dict[tuple[str, str], float] = {}
    largest = 0.0
    for rank, test in enumerate(known):
        largest = max(largest, min(1.0, test.p_t * (len(known) - rank)))
        corrected[test.first, test.second] = largest
    return [
        PairedTest(
            test.first, test.second, test.seeds, test.difference, test.p_t, test.p_permutation,
            corrected.get((test.first, test.second), math.nan),
        )
        for test in tests
    ]  # fmt: skip
