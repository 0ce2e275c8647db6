"""What a sweep runs: which algorithms, with which clip, from which seeds; and the recipe of each run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lpo.errors import InputError
from lpo.recipe import Recipe
from lpo.recipe.algorithm import ClippedObjective, Objective, algorithm_by_name
from lpo.recipe.yaml_text import parse


class SweepError(InputError):
    """The options of a sweep, or its folder, cannot be used; names the option, the value and the remedy."""


@dataclass(frozen=True)
class Variant:
    """An objective under the name that tables show. ``family`` is shared by those that differ in their eps alone."""

    label: str
    family: str
    objective: Objective


@dataclass(frozen=True)
class Child:
    """One run of a sweep."""

    variant: Variant
    seed: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.variant.label.replace(' ', '-').replace(':', '-').replace('=', '')}-seed{self.seed}"


@dataclass(frozen=True)
class Plan:
    """The runs of a sweep: every variant with the first ``tuning`` seeds, the best of each family with the others."""

    variants: Sequence[Variant]
    seeds: Sequence[int]
    tuning: int

    def __post_init__(self) -> None:
        if not 1 <= self.tuning <= len(self.seeds):
            raise SweepError(f"--tune-seeds {self.tuning}: there are {len(self.seeds)} seeds; give 1 to that number")

    def first(self) -> list[Child]:
        """Seed by seed, so that a sweep that is stopped early has compared every algorithm."""
        return [Child(variant, seed) for seed in self.seeds[: self.tuning] for variant in self.variants]

    def then(self, chosen: Collection[str]) -> list[Child]:
        """What follows when the variants with these labels have been chosen."""
        best = [variant for variant in self.variants if variant.label in chosen]
        return [Child(variant, seed) for seed in self.seeds[self.tuning :] for variant in best]


def parse_variants(text: str, eps_scales: Sequence[float] = ()) -> list[Variant]:
    """``lpo,grpo_token_mean,gspo:eps_low=0.001`` as objectives, each once for every factor of its own eps.

    Raises:
        SweepError: an unknown algorithm or setting, one that stands twice, or a factor that leaves no valid eps.
    """
    variants = [scaled for each in text.split(",") for scaled in _scaled(_variant(each.strip()), eps_scales)]
    labels = [variant.label for variant in variants]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise SweepError(f"--algorithms {text}: '{twice}' stands twice")
    return variants


def parse_seeds(text: str) -> list[int]:
    """``3`` is seeds 0, 1 and 2; ``0,4,7`` is those.

    Raises:
        SweepError: neither of the two.
    """
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise SweepError(f"--seeds {text}: give a number of seeds, or seeds such as 0,4,7") from None
    if min(numbers) < 0 or len(set(numbers)) < len(numbers) or numbers == [0] == [len(text)]:
        raise SweepError(f"--seeds {text}: seeds are whole numbers from 0, each once")
    if len(numbers) == 1 and "," not in text:
        if numbers[0] < 1:
            raise SweepError(f"--seeds {text}: at least one seed is needed")
        return list(range(numbers[0]))
    return numbers


def warm_up_recipe(resolved: dict[str, Any], seed: int, run_dir: Path, experiment: str) -> Recipe | None:
    """The stages before the first rl stage, which no algorithm changes; None where the recipe begins with rl."""
    stages = resolved["stages"]
    first = _first_rl(resolved)
    if first == 0:
        return None
    # Evaluations of a supervised stage are judged by the rewards of the next rl stage, which is left out here.
    early = [stage | {"rewards": stage["rewards"] or stages[first]["rewards"]} for stage in stages[:first]]
    return Recipe.model_validate(_placed(resolved | {"stages": early, "seed": seed}, run_dir, experiment))


def whole_recipe(resolved: dict[str, Any], child: Child, run_dir: Path, experiment: str) -> Recipe:
    """All stages, with the child's objective and seed."""
    _first_rl(resolved)
    stages = [
        stage | ({"algorithm": child.variant.objective.model_dump()} if stage["kind"] == "rl" else {})
        for stage in resolved["stages"]
    ]
    changed = resolved | {"stages": stages, "seed": child.seed}
    return Recipe.model_validate(_placed(changed, run_dir, experiment))


def child_recipe(resolved: dict[str, Any], child: Child, model: Path | None, run_dir: Path, experiment: str) -> Recipe:
    """The rl stages from a warm-up's ``model``; every stage where there is none."""
    if model is None:
        return whole_recipe(resolved, child, run_dir, experiment)
    trusted = bool(resolved["model"].get("trust_remote_code", False))
    warmed = {
        "stages": resolved["stages"][_first_rl(resolved) :],
        "model": {"kind": "local", "path": str(model), "trust_remote_code": trusted},
    }
    return whole_recipe(resolved | warmed, child, run_dir, experiment)


def _placed(resolved: dict[str, Any], run_dir: Path, experiment: str) -> dict[str, Any]:
    return resolved | {"run_dir": str(run_dir), "tracking": resolved["tracking"] | {"experiment": experiment}}


def _first_rl(resolved: dict[str, Any]) -> int:
    kinds = [stage["kind"] for stage in resolved["stages"]]
    if "rl" not in kinds:
        raise SweepError(f"recipe {resolved['name']} has no rl stage, so there is no algorithm to change")
    return kinds.index("rl")


def _variant(text: str) -> Variant:
    name, *settings = text.split(":")
    try:
        objective = algorithm_by_name(name)
    except ValueError as cause:
        raise SweepError(f"--algorithms: {cause}") from None
    fields = objective.model_dump()
    for setting in settings:
        field, equals, value = setting.partition("=")
        if not equals:
            raise SweepError(f"--algorithms {text}: '{setting}' is not field=value")
        fields[field] = parse(value).value
    return Variant(text, name, _validated(type(objective), fields, f"--algorithms {text}"))


def _scaled(variant: Variant, scales: Sequence[float]) -> list[Variant]:
    objective = variant.objective
    if not scales or not isinstance(objective, ClippedObjective):
        return [variant]
    return [
        Variant(
            f"{variant.label} eps x{scale:g}",
            variant.label,
            _validated(
                type(objective),
                objective.model_dump() | {"eps_low": objective.eps_low * scale, "eps_high": objective.eps_high * scale},
                f"--eps-scales {scale:g} for {variant.label}",
            ),
        )
        for scale in scales
    ]


def _validated(kind: type[Objective], fields: dict[str, Any], where: str) -> Objective:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SweepError(f"{where}: {name} is {first['input']!r}: {first['msg']}") from None
