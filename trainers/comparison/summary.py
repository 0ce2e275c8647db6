"""What the runs say together: who is how good at equal tokens, how fast, how sure that is, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainers.comparison.runs import ComparisonError, Run
from trainers.comparison.statistics import Interval, PairedTest, interval, paired_tests

VALIDATION, TEST = "eval/accuracy", "eval/test_accuracy"
CLIPPED = ("policy/clip_fraction", "policy/clip_fraction_low", "policy/clip_fraction_high")
_SAME_TOKENS = 1.05
"""Runs with one budget end a batch apart."""
WHY = (*CLIPPED, "policy/ratio_max", "policy/entropy")


@dataclass(frozen=True)
class Row:
    """An algorithm over its seeds. ``accuracy`` is at the tokens that every run has spent.

    ``tokens_to`` and ``minutes_to`` count runs that reached the target only; ``reached`` says how many did.
    """

    label: str
    family: str
    seeds: list[int]
    unfinished: int
    accuracy: Interval
    response_tokens: Interval
    tokens_to: Interval | None
    minutes_to: Interval | None
    reached: int
    why: dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """Everything that table, picture and page show."""

    metric: str
    """Of the test questions where every run was judged on them, else of the validation questions."""
    tokens: int
    target: float
    rows: list[Row]
    tests: list[PairedTest]
    dropped: list[Row]
    """Variants of an algorithm that did worse on the validation questions than the one that is shown."""
    warnings: list[str]
    runs: list[Run]


def compare(runs: Sequence[Run], target: float | None = None) -> Comparison:
    """Every algorithm at the tokens that all runs have spent.

    Where an algorithm has variants (one ``family``, several labels: an eps sweep), the one that ``best_variants``
    chooses is compared with the others, and the rest listed. ``target`` is the accuracy whose cost is measured; by
    default the accuracy that the worst run of all reached.

    Runs that have not finished are left out where others have: one that has just begun would put all at its tokens.
    So are those that were never judged; ComparisonError where all are such.
    """
    unjudged = [run for run in runs if not run.points(VALIDATION)]
    runs = [run for run in runs if run.points(VALIDATION)]
    if not runs:
        raise ComparisonError("no run has been judged on held-out questions yet; recipes say when in evaluation.every")
    finished = [run for run in runs if run.finished]
    waiting = [run for run in runs if not run.finished]
    runs = finished or runs
    groups = _by_label(runs)
    tokens = _shared_tokens(runs)
    goal = target if target is not None else min(max((v for _, v in run.points(VALIDATION)), default=0) for run in runs)
    tested = all(run.points(TEST) for run in runs)
    metric = TEST if tested else VALIDATION
    rows = {label: _row(label, each, metric, tokens, goal) for label, each in groups.items()}
    shown = best_variants(runs)
    values = {label: {run.seed: _value(run, metric, tokens) for run in groups[label]} for label in shown}
    return Comparison(
        metric=metric,
        tokens=tokens,
        target=goal,
        rows=sorted((rows[label] for label in shown), key=lambda row: -row.accuracy.mean),
        tests=paired_tests(values),
        dropped=[row for label, row in rows.items() if label not in shown],
        warnings=[
            *_waiting(waiting, bool(finished)),
            *([f"never judged, and left out: {', '.join(run.name for run in unjudged)}"] if unjudged else []),
            *(_unequal_ends(runs, tokens) if tested else []),
            *_warnings(runs, {label: groups[label] for label in shown}),
        ],
        runs=list(runs),
    )


def best_variants(runs: Sequence[Run]) -> list[str]:
    """A label for each family: its variant with the best mean validation accuracy at the tokens that all have spent.

    Means are over the seeds that all variants of the family have, where there are such: further seeds of the one that
    was chosen do not change the choice.
    """
    tokens = _shared_tokens(runs)
    families: dict[str, dict[str, list[Run]]] = {}
    for label, each in _by_label(runs).items():
        families.setdefault(each[0].family, {})[label] = each
    best = []
    for variants in families.values():
        shared = set.intersection(*({run.seed for run in each} for each in variants.values()))
        judged = {label: [run for run in each if run.seed in shared or not shared] for label, each in variants.items()}
        best.append(max(judged, key=lambda label: _mean_at(judged[label], VALIDATION, tokens)))
    return best


def _by_label(runs: Sequence[Run]) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.label, []).append(run)
    return groups


def _shared_tokens(runs: Sequence[Run]) -> int:
    """The response tokens that every run has spent when it was last judged."""
    return min(max((spent for spent, _ in run.points(VALIDATION)), default=0) for run in runs)


def _row(label: str, runs: Sequence[Run], metric: str, tokens: int, target: float) -> Row:
    spent = [cost for run in runs if (cost := _cost(run, target)) is not None]
    return Row(
        label=label,
        family=runs[0].family,
        seeds=[run.seed for run in runs],
        unfinished=sum(not run.finished for run in runs),
        accuracy=interval([_value(run, metric, tokens) for run in runs]),
        response_tokens=interval([_at(run, "eval/mean_tokens", tokens) or 0.0 for run in runs]),
        tokens_to=interval([each[0] for each in spent]) if spent else None,
        minutes_to=interval([each[1] for each in spent]) if spent else None,
        reached=len(spent),
        why={name: sum(values) / len(values) for name in WHY if (values := _all(runs, name))},
    )


def _value(run: Run, metric: str, tokens: int) -> float:
    """The test accuracy is measured once, at the end; any other at the tokens given."""
    points = run.points(metric)
    found = points[-1][1] if metric == TEST else _at(run, metric, tokens)
    return 0.0 if found is None else found


def _mean_at(runs: Sequence[Run], metric: str, tokens: int) -> float:
    values = [_at(run, metric, tokens) or 0.0 for run in runs]
    return sum(values) / len(values)


def _at(run: Run, metric: str, tokens: int) -> float | None:
    """Where a run ends just beyond what all have spent, its end is what is compared, and not the evaluation before."""
    return run.at(metric, _SAME_TOKENS * tokens)


def _all(runs: Sequence[Run], metric: str) -> list[float]:
    return [value for run in runs for _, value in run.points(metric)]


def _cost(run: Run, target: float) -> tuple[float, float] | None:
    """Response tokens and minutes until an evaluation first reached the target."""
    seconds = 0.0
    start = run.records[0]["tokens"]
    for record in run.records:
        seconds += record.get("time/step") or 0.0
        if record.get(VALIDATION) is not None and record[VALIDATION] >= target:
            return float(record["tokens"] - start), seconds / 60
    return None


def _waiting(runs: Sequence[Run], left_out: bool) -> list[str]:
    names = ", ".join(run.name for run in runs)
    return [f"not finished yet{', and left out' if left_out else ''}: {names}"] if runs else []


def _unequal_ends(runs: Sequence[Run], tokens: int) -> list[str]:
    """Test questions are asked once, at a run's end, wherever that is."""
    ends = [run.points(TEST)[-1][0] for run in runs]
    if max(ends) <= _SAME_TOKENS * tokens:
        return []
    return [
        f"accuracy on test questions is not at equal tokens: the runs ended after {min(ends):,} to {max(ends):,} "
        "response tokens; give the recipe a budget, stages.rl.rollout_tokens"
    ]


def _warnings(runs: Sequence[Run], groups: Mapping[str, Sequence[Run]]) -> list[str]:
    found = []
    seeds = {label: sorted(run.seed for run in each) for label, each in groups.items()}
    if len({tuple(each) for each in seeds.values()}) > 1:
        listed = "; ".join(f"{label}: {', '.join(map(str, each))}" for label, each in seeds.items())
        found.append(f"the algorithms do not have the same seeds ({listed}); only shared ones are tested in pairs")
    flat = [_flat(_comparable(run.recipe)) for run in runs]
    names = sorted({name for each in flat for name in each})
    for name in names:
        values = {_shown(each.get(name)) for each in flat}
        if len(values) > 1:
            found.append(f"the runs differ in more than the algorithm: {name} is {' or '.join(sorted(values))}")
    for name in sorted({name for run in runs for name in run.versions}):
        versions = {run.versions.get(name, "unknown") for run in runs}
        if len(versions) > 1:
            found.append(f"the runs were made with different versions of {name}: {', '.join(sorted(versions))}")
    return found


def _comparable(recipe: dict[str, Any]) -> dict[str, Any]:
    """A recipe without what a comparison is about, and without names and places."""
    left_out = ("name", "description", "seed", "run_dir", "tracking")
    kept = {key: value for key, value in recipe.items() if key not in left_out}
    kept["stages"] = [{k: v for k, v in stage.items() if k != "algorithm"} for stage in recipe["stages"]]
    return kept


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for key, each in value.items() for k, v in _flat(each, f"{path}.{key}" if path else key).items()}
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return {k: v for number, each in enumerate(value) for k, v in _flat(each, f"{path}[{number}]").items()}
    return {path: value}


def _shown(value: Any) -> str:
    """A value as a warning shows it."""
    return "not set" if value is None else str(value)
