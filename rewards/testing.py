"""For authors of rewards: score rows as a run would, and the habits of a reward that a run can rely on.

from rewards.testing import assert_well_behaved, judge

ROWS = [{"prompt": "2 + 2?", "responses": ["4", "five"], "answer": "4"}]

def test_brevity():
    assert judge("brevity.py:brevity", ROWS).values == [1.0, None]
    assert_well_behaved("brevity.py:brevity", ROWS)
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lpo.errors import InputError
from lpo.recipe.runtime import RewardSpec, RewardWorkers
from lpo.samples import Group, Prompt, Response
from rewards.call import RewardReport, score_groups
from rewards.contract import Reward
from rewards.isolation import RewardPool
from rewards.resolver import ResolvedReward, resolve

ODD_RESPONSES = (
    "",
    " \n\t",
    "\N{ZERO WIDTH SPACE}\N{RIGHT-TO-LEFT OVERRIDE}\x00\x1b[31m",
    "\ud83d half a pair".encode("utf-8", "replace").decode(),
    "\N{ARABIC-INDIC DIGIT FOUR}\N{SUPERSCRIPT TWO} 1e999 -0 nan",
    "\\boxed{" * 200 + "<answer>" * 200 + "```python\n" * 50 + "[{(" * 200,
    "word " * 5000,
)
"""Texts that policies produce sooner or later."""

_RESPONSE_FIELDS = ("responses", "response", "completions", "completion")


class SampleError(InputError):
    """Rows that are no sample; the message says which, and what they need."""


@dataclass(frozen=True)
class Judged:
    """What a reward made of rows. The lists have an entry per response, in the order of the rows."""

    values: list[float | None]
    components: list[dict[str, float | None]]
    notes: list[dict[str, Any]]
    report: RewardReport


def judge(
    reward: str | Callable[..., Any],
    rows: Sequence[Mapping[str, Any]],
    *,
    params: Mapping[str, Any] | None = None,
    base_dir: Path | None = None,
    workers: RewardWorkers | None = None,
) -> Judged:
    """Scores ``rows`` by a function, or by a reward as a recipe names it (files relative to ``base_dir``).

    Rows are as `groups_of` takes them. With ``workers`` the reward, which must be named, runs in processes of its own
    within their limits. Raises RewardError or SampleError.
    """
    groups = groups_of(rows)
    if workers is not None:
        if not isinstance(reward, str):
            raise TypeError("a function cannot move to another process; name the reward: file.py:function")
        with RewardPool(workers, base_dir) as pool:
            return _judged(groups, pool.resolve(RewardSpec(reward=reward, params=dict(params or {}))))
    return _judged(groups, _resolved(reward, params, base_dir))


def assert_well_behaved(
    reward: str | Callable[..., Any],
    rows: Sequence[Mapping[str, Any]],
    *,
    params: Mapping[str, Any] | None = None,
    base_dir: Path | None = None,
) -> None:
    """Raises AssertionError where a reward would surprise a run on these rows.

    It must value every response (`ODD_RESPONSES` in the place of the rows' own, too), leave its arguments as they are,
    and say the same of a response, or of a group where it takes ``group_ids``, whatever else is in the batch.
    """
    resolved = _resolved(reward, params, base_dir)
    groups = groups_of(rows)
    before = copy.deepcopy(groups)
    whole = _judged(groups, resolved)
    _assert_valid(whole.report, "the rows")
    for group, same in zip(groups, before, strict=True):
        assert group.prompt == same.prompt, f"{resolved.name} alters the columns of prompt {group.prompt.content!r}"
    alone: list[float | None] = []
    for group in groups:
        together = [[each] for each in group.responses] if resolved.scope == "sample" else [group.responses]
        for responses in together if resolved.scope != "batch" else []:
            alone += _judged([Group(group.prompt, responses)], resolved).values
    if resolved.scope != "batch":
        assert alone == whole.values, f"{resolved.name} depends on what else is in the batch: {alone} != {whole.values}"
    odd = [{**_columns(row), "prompt": _prompt(row, 0), "responses": list(ODD_RESPONSES)} for row in rows]
    _assert_valid(_judged(groups_of(odd), resolved).report, "odd responses")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file. Raises SampleError with the line that is none."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise SampleError(f"sample {path} {what}; it takes a JSONL file with a prompt and responses in each row")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as cause:
        raise SampleError(f"sample {path} is not UTF-8 ({cause.reason} at byte {cause.start}); convert it") from cause
    rows = []
    # Not splitlines: JSON strings may hold what Unicode calls a line separator.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as cause:
            raise SampleError(f"{path}:{number} is not JSON ({cause})") from cause
        if not isinstance(row, dict):
            raise SampleError(f"{path}:{number} is a {type(row).__name__}; each line is an object")
        rows.append(row)
    if not rows:
        raise SampleError(f"sample {path} has no rows")
    return rows


def groups_of(rows: Sequence[Mapping[str, Any]]) -> list[Group]:
    """A group for each row: ``prompt`` (or ``question``; text or messages), ``responses`` (or ``response``; text or a
    list), and columns. Tokens are unknown here: ``completion_ids`` has a number for each word.

    Raises SampleError where a row has no response.
    """
    return [_group(number, row) for number, row in enumerate(rows)]


def _group(number: int, row: Mapping[str, Any]) -> Group:
    given = next((row[name] for name in _RESPONSE_FIELDS if name in row), None)
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise SampleError(f"row {number + 1} has no response; give it response, a text, or responses, a list of texts")
    prompt = _prompt(row, number)
    question = prompt if isinstance(prompt, str) else str(prompt[-1]["content"])
    responses = [Response(list(range(len(text.split()))), [], text, "stop", 0) for text in texts]
    return Group(Prompt(str(number), [], prompt, question, _columns(row)), responses)


def _prompt(row: Mapping[str, Any], number: int) -> Any:
    """A text or a list of messages, the row's number where it has neither."""
    name = next((name for name in ("prompt", "question") if name in row), None)
    prompt = f"row {number + 1}" if name is None else row[name]
    messages = isinstance(prompt, list) and prompt and all(isinstance(m, dict) and "content" in m for m in prompt)
    if not isinstance(prompt, str) and not messages:
        raise SampleError(
            f"row {number + 1}: {name} is {prompt!r:.60}; it takes a text, or a list of messages with role and content"
        )
    return prompt


def _columns(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in (*_RESPONSE_FIELDS, "prompt")}


def _resolved(
    reward: str | Callable[..., Any], params: Mapping[str, Any] | None, base_dir: Path | None
) -> ResolvedReward:
    if isinstance(reward, str):
        return resolve(RewardSpec(reward=reward, params=dict(params or {})), base_dir=base_dir)
    return ResolvedReward(getattr(reward, "__name__", type(reward).__name__), 1.0, reward, dict(params or {}))


def _judged(groups: list[Group], reward: Reward) -> Judged:
    report = score_groups(groups, [reward])
    responses = [response for group in groups for response in group.responses]
    notes = [info.get(reward.name, {}) for info in report.info]
    return Judged([each.reward for each in responses], [each.components for each in responses], notes, report)


def _assert_valid(report: RewardReport, what: str) -> None:
    for (name, cause), count in report.invalid.items():
        trace = report.tracebacks.get((name, cause), "")
        raise AssertionError(f"{name} cannot value {count} of {report.samples} responses of {what}: {cause}\n{trace}")
