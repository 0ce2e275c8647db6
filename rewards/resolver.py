"""From the name of a reward in a recipe to a reward that can be called."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from lpo.errors import InputError
from lpo.plugins import PluginError, installed_plugins, load_callable
from lpo.recipe.base import unknown_name
from lpo.recipe.runtime import RewardSpec
from rewards.batch import Batch, Outcome, Scope
from rewards.contract import STANDARD_ARGUMENTS
from rewards.invoke import invoke, invoke_units
from rewards.params import checked_params

ENTRY_POINTS = "lpo.rewards"
"""Entry point group under which installed packages register rewards."""

SHIPPED = {
    "reasoning_gym": "rewards.correctness:reasoning_gym",
    "math": "rewards.correctness:math",
    "choice": "rewards.verifiers.choice:choice",
    "match": "rewards.verifiers.match:match",
    "json_schema": "rewards.verifiers.json_schema:json_schema",
    "tool_calls": "rewards.verifiers.tool_calls:tool_calls",
    "frontend": "rewards.frontend.plugin:Frontend",
    "soft_overlong": "rewards.length:soft_overlong",
    "code": "rewards.code:UnitTests",
    "instructions": "rewards.instructions.plugin:Instructions",
    "arena": "rewards.arena.plugin:Arena",
    "rubric": "rewards.rubric.plugin:Rubric",
}
"""Rewards that come with lpo, by name."""


class RewardError(InputError):
    """A reward of the recipe cannot be used. The message names the reward, the cause and the remedy."""


ANSWER_FIELD = "answer_field"
"""A param of this name says which column of the data has the right answer; one that is not there is found early."""
SCOPES = get_args(Scope)
LARGEST_GROUP = 128
"""For which the cost of a judge is told beforehand."""
CONCURRENCY = 64
"""Calls of an async reward in this process that are under way at one time."""


@dataclass(frozen=True)
class ResolvedReward:
    """A reward function with its name, weight and bound parameters."""

    name: str
    weight: float
    function: Callable[..., Any]
    params: dict[str, Any] = field(default_factory=dict)
    given_scope: Scope | None = None

    def __call__(self, **arguments: Any) -> Any:
        accepted, takes_all = _keyword_parameters(self.function)
        given = arguments if takes_all else {name: value for name, value in arguments.items() if name in accepted}
        return self.function(**given, **self.params)

    def judge(self, batch: Batch) -> Outcome:
        """What the reward says about a batch, called in this process, without limits.

        All of it in one call; if that fails, unit by unit. An async reward is called for all units at one time.
        """
        units = batch.units(self.scope)
        if self.asynchronous:
            parts = [batch.part(*unit) for unit in units]
            return Outcome.merged(
                asyncio.run(invoke_units(self, parts, concurrency=self.concurrency or CONCURRENCY, timeout_s=None))
            )
        outcome = invoke(self, batch)
        if outcome.failed and len(units) > 1:
            outcome = Outcome.merged([invoke(self, batch.part(*unit)) for unit in units])
        return outcome

    @property
    def scope(self) -> Scope:
        """What one call must see together: as the recipe says, as the function's attribute ``scope`` says, else groups
        where it takes ``group_ids``, else single responses."""
        said = self.given_scope or getattr(self.function, "scope", None)
        accepted, _ = _keyword_parameters(self.function)
        return said or ("group" if "group_ids" in accepted else "sample")

    @property
    def asynchronous(self) -> bool:
        said = getattr(self.function, "asynchronous", None)
        call = self.function if inspect.isroutine(self.function) else type(self.function).__call__
        return inspect.iscoroutinefunction(call) if said is None else bool(said)

    @property
    def concurrency(self) -> int | None:
        """Calls of an async reward that may be under way at one time, where the function's attribute says so."""
        most = getattr(self.function, "concurrency", None)
        return None if most is None else int(most)

    @property
    def call_seconds(self) -> float | None:
        """The longest time that one response may rightly take, where the function's attribute says so."""
        seconds = getattr(self.function, "call_seconds", None)
        return None if seconds is None else float(seconds)

    @property
    def questions(self) -> list[int]:
        """How many a group of 0, 1, 2 ... responses asks a judge, where the function's method ``questions`` says so."""
        count = getattr(self.function, "questions", None)
        return [] if count is None else [int(count(size)) for size in range(LARGEST_GROUP + 1)]

    def takes(self) -> list[str] | None:
        """Names of the arguments that are handed on, None for all."""
        accepted, takes_all = _keyword_parameters(self.function)
        return None if takes_all else list(accepted)

    def column_problem(self, columns: Sequence[str]) -> str | None:
        """What the reward needs and neither lpo, its params nor the data's ``columns`` provide."""
        accepted, _ = _keyword_parameters(self.function)
        provided = {*STANDARD_ARGUMENTS, *self.params, *columns}
        for name, required in accepted.items():
            if required and name not in provided:
                known = ", ".join([*STANDARD_ARGUMENTS, *columns])
                return f"requires '{name}', which is neither a param nor a column of the data; there are: {known}"
        if ANSWER_FIELD in accepted:
            named = self.params.get(ANSWER_FIELD, inspect.signature(self.function).parameters[ANSWER_FIELD].default)
            if named not in columns:
                return f"takes the answer from a column that the data has not: {unknown_name(named, columns)}"
        own = getattr(self.function, "column_problem", None)
        return own(columns) if own is not None else None


def resolve(
    spec: RewardSpec | str, *, base_dir: Path | None = None, columns: Sequence[str] | None = None
) -> ResolvedReward:
    """Returns the reward that ``spec`` names, ready to be called.

    The name is that of a shipped reward, of an entry point in the group ``lpo.rewards``, ``file.py:function``
    (relative to ``base_dir``) or ``package.module:function``. A class is instantiated with the params; a function gets
    them as keyword arguments. With ``columns``, the names of the data set's columns, arguments that nothing provides
    are found before the first response is scored.

    Raises RewardError where the reward does not exist, does not import, is not callable, or cannot be called as
    rewards are.
    """
    if isinstance(spec, str):
        spec = RewardSpec(reward=spec)
    try:
        found = load_callable(spec.reward, what="reward", known=SHIPPED, base_dir=base_dir, entry_points=ENTRY_POINTS)
    except PluginError as cause:
        raise RewardError(str(cause)) from cause
    params = dict(spec.params)
    if spec.reward in SHIPPED:
        try:
            params = checked_params(found, params)
        except ValueError as cause:
            raise RewardError(f"reward '{spec.reward}': {cause}") from cause
    if inspect.isclass(found):
        if spec.reward in SHIPPED and "base_dir" in inspect.signature(found).parameters:
            params["base_dir"] = base_dir  # where the files start that its params name
        found, params = _instance(found, params, spec.reward), {}
    _check_signature(found, params, spec.reward)
    reward = ResolvedReward(_short_name(spec.reward), spec.weight, found, params, spec.scope)
    if reward.scope not in SCOPES:
        raise RewardError(f"reward '{spec.reward}' has scope {reward.scope!r}; make it one of {', '.join(SCOPES)}")
    if columns is not None and (problem := reward.column_problem(columns)):
        raise RewardError(f"reward '{spec.reward}' {problem}")
    return reward


def resolve_all(
    specs: Sequence[RewardSpec], *, base_dir: Path | None = None, columns: Sequence[str] | None = None
) -> list[ResolvedReward]:
    """Resolves the rewards of a stage. Raises RewardError also where two of them would share a name in the metrics."""
    resolved = [resolve(spec, base_dir=base_dir, columns=columns) for spec in specs]
    refuse_equal_names(specs, [reward.name for reward in resolved])
    return resolved


def refuse_equal_names(specs: Sequence[RewardSpec], names: Sequence[str]) -> None:
    """Raises RewardError where two rewards would share a name in the metrics."""
    for position, name in enumerate(names):
        if name in names[:position]:
            first = specs[names.index(name)].reward
            raise RewardError(
                f"rewards '{first}' and '{specs[position].reward}' are both called '{name}'; rename one function"
            )


def known_rewards() -> dict[str, str]:
    """Names that a recipe can use without a path, each with where it comes from."""
    installed = {name: f"{entry.value} (entry point)" for name, entry in installed_plugins(ENTRY_POINTS).items()}
    return {**installed, **SHIPPED}


def _short_name(spec: str) -> str:
    return spec.rpartition(":")[2]


def _instance(cls: type, params: dict[str, Any], spec: str) -> Callable[..., Any]:
    try:
        instance = cls(**params)
    except InputError as cause:
        raise RewardError(f"reward '{spec}': {cause}") from cause
    except Exception as cause:
        raise RewardError(
            f"reward '{spec}' is a class that cannot be made with params {params} ({type(cause).__name__}: {cause})"
        ) from cause
    if not callable(instance):
        raise RewardError(f"reward '{spec}' is a class without __call__; rewards are called with a batch of responses")
    return instance


def _check_signature(function: Callable[..., Any], params: dict[str, Any], spec: str) -> None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as cause:
        raise RewardError(f"reward '{spec}' hides its arguments ({cause}); wrap it in a Python function") from cause
    for parameter in parameters:
        if parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty:
            raise RewardError(f"reward '{spec}' takes '{parameter.name}' by position; rewards get keyword arguments")
    accepted, takes_all = _keyword_parameters(function)
    judged = [name for name in ("responses", "completions", "completion_ids") if name in accepted]
    if not judged and not takes_all:
        raise RewardError(
            f"reward '{spec}' takes ({', '.join(accepted)}) and so never sees a response; "
            "write def reward(prompts, responses, **columns)"
        )
    for name in params:
        if name in STANDARD_ARGUMENTS:
            raise RewardError(f"reward '{spec}': params.{name} is an argument that lpo passes; remove it from params")
        if name not in accepted and not takes_all:
            settable = [each for each in accepted if each not in STANDARD_ARGUMENTS]
            raise RewardError(f"reward '{spec}': params: {unknown_name(name, settable, 'parameter')}")


def _keyword_parameters(function: Callable[..., Any]) -> tuple[dict[str, bool], bool]:
    """Names that can be given by keyword, each with whether it is required; and whether any name can."""
    parameters = inspect.signature(function).parameters.values()
    accepted = {
        parameter.name: parameter.default is parameter.empty
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    return accepted, any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
