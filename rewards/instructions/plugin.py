"""The reward ``instructions`` of recipes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, Literal

from lpo.errors import InputError
from rewards.contract import RewardResult
from rewards.extraction import without_thoughts
from rewards.instructions.constraint import Constraint, plain
from rewards.instructions.reading import ConstraintError, read_constraints, read_ifeval


class Instructions:
    """1 where a response keeps to all constraints of its row, else 0.

    They are in the column ``constraints``, in IFEval's ``instruction_id_list`` and ``kwargs``, or in both; ``always``
    states some that hold for every row. A row without any gets None. ``mode: loose`` forgives as IFEval does: also the
    text without stars, without its first line, without its last, or several of these, may keep to a constraint.
    ``score: share`` pays the part of the constraints that are kept.

    What comes after the last ``</think>`` is judged. A response that is blank keeps to nothing.
    """

    def __init__(
        self,
        mode: Literal["strict", "loose"] = "strict",
        score: Literal["all", "share"] = "all",
        always: list[Any] | None = None,
    ) -> None:
        self._mode, self._score = mode, score
        try:
            self._always = read_constraints(always or [], "always")
        except ConstraintError as cause:
            raise InputError(f"params.{cause}") from cause

    def column_problem(self, columns: Sequence[str]) -> str | None:
        """What is missing from the data, for an error before the run."""
        if not self._always and "constraints" not in columns and "instruction_id_list" not in columns:
            return "needs a column 'constraints' or IFEval's 'instruction_id_list' and 'kwargs', or params.always"
        return None

    def __call__(
        self,
        responses: Sequence[str],
        constraints: Sequence[Any] | None = None,
        instruction_id_list: Sequence[Any] | None = None,
        kwargs: Sequence[Any] | None = None,
    ) -> list[RewardResult]:
        nothing = [None] * len(responses)
        rows = zip(responses, constraints or nothing, instruction_id_list or nothing, kwargs or nothing, strict=True)
        return [self._judged(*row) for row in rows]

    def _judged(self, response: str, own: Any, ids: Any, arguments: Any) -> RewardResult:
        try:
            wanted = [
                *self._always,
                *(read_constraints(own) if own is not None else []),
                *(read_ifeval(ids, arguments) if ids is not None else []),
            ]
        except ConstraintError as cause:
            return RewardResult.unjudged("constraint cannot be used", cause)
        if not wanted:
            return RewardResult(None)
        texts = [text for text in _readings(plain(without_thoughts(response)), self._mode) if text.strip()]
        kept = [any(each.holds(text) for text in texts) for each in wanted]
        share = sum(kept) / len(kept)
        broken = [each.kind for each, held in zip(wanted, kept, strict=True) if not held]
        return RewardResult(
            share if self._score == "share" else float(share == 1.0), _by_kind(wanted, kept), {"broken": broken}
        )


def _by_kind(wanted: Sequence[Constraint], kept: Sequence[bool]) -> dict[str, float]:
    """The part that is kept of the constraints of each kind."""
    kinds = dict.fromkeys(each.kind for each in wanted)
    held = {kind: [k for each, k in zip(wanted, kept, strict=True) if each.kind == kind] for kind in kinds}
    return {kind: sum(marks) / len(marks) for kind, marks in held.items()}


def _readings(text: str, mode: str) -> list[str]:
    """The texts of which one must keep to a constraint: in loose mode IFEval's eight."""
    if mode == "strict":
        return [text]
    lines = text.strip().split("\n")
    readings = []
    for first, last, stars in product((0, 1), (0, 1), (False, True)):
        part = text if not first and not last else "\n".join(lines[first : len(lines) - last]).strip()
        readings.append(part.replace("*", "") if stars else part)
    return list(dict.fromkeys(readings))
