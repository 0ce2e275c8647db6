"""Whether the final answer is right: by reasoning-gym's own verifiers, and by math-verify."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from rewards.contract import NO_REFERENCE, RewardResult, RewardValue
from rewards.extraction import ExtractionMode, check_extraction, extract_answer, is_number, without_thoughts
from rewards.maths.verdict import Units, judged


def reasoning_gym(
    responses: Sequence[str],
    question: Sequence[Any],
    answer: Sequence[str],
    metadata: Sequence[dict[str, Any]],
    verifier: Sequence[dict[str, Any] | None] | None = None,
    *,
    extract: ExtractionMode = "auto",
    pattern: str | None = None,
    threshold: float | None = 1.0,
) -> list[RewardValue]:
    """1 where the task's own ``score_answer`` gives the extracted answer at least ``threshold``, else 0.

    With ``threshold`` None it is the score itself, which pays some tasks' nearly right answers in part. A response
    without an answer is worth 0, and so is one that the verifier cannot read. Where the verifier fails on the task's
    own answer too, the sample is invalid.
    """
    check_extraction(extract, pattern)
    verifiers = verifier if verifier is not None else [None] * len(responses)
    results: list[RewardValue] = []
    for text, asked, right, facts, made_by in zip(responses, question, answer, metadata, verifiers, strict=True):
        if right is None:
            results.append(RewardResult.unjudged(NO_REFERENCE))
            continue
        try:
            said = without_thoughts(text)
            given = extract_answer(said, extract, pattern=pattern, numeric=is_number(str(right)))
        except TimeoutError:
            results.append(RewardResult(0.0, info={"fault": "the expression took too long"}))
            continue
        if given is None:
            results.append(RewardResult(0.0, info={"answer": None}))
            continue
        task = (made_by or {}).get("task") or facts["source_dataset"]
        params = json.dumps((made_by or {}).get("params", {}), sort_keys=True)
        entry = {"question": asked, "answer": right, "metadata": facts}
        try:
            score = _score(task, params, given, entry)
        except Exception as cause:
            invalid = f"{task}'s verifier raised {type(cause).__name__}"
            results.append(RewardResult(None, info={"answer": given, "error": str(cause)}, invalid=invalid))
            continue
        value = score if threshold is None else float(score >= threshold)
        results.append(RewardResult(value, info={"answer": given, "score": score}))
    return results


def _score(task: str, params: str, given: str, entry: dict[str, Any]) -> float:
    score_answer = _verifier(task, params)
    try:
        return float(score_answer(given, entry))
    except Exception:
        # Some verifiers raise on text that is no answer. That is the response's fault only if the verifier works at
        # all: if it raises on the task's own answer as well, that exception stands.
        score_answer(entry["answer"], entry)
        return 0.0


@functools.lru_cache(maxsize=64)
def _verifier(task: str, params: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        from reasoning_gym.factory import DATASETS
    task_class, config_class = DATASETS[task]
    values = json.loads(params)
    if task == "composite":
        from reasoning_gym.composite import DatasetSpec

        values["datasets"] = [DatasetSpec(**{"weight": 1.0, "config": {}, **each}) for each in values["datasets"]]
    return task_class(config_class(**values, seed=0)).score_answer


def math(
    responses: Sequence[str],
    log_metric: Callable[[str, float], None] | None = None,
    *,
    answer_field: str = "answer",
    timeout_s: float = 5.0,
    units: Units = "ignored",
    **columns: Any,
) -> list[RewardValue]:
    """1 where the response's final answer equals the column ``answer_field``, else 0, by math-verify.

    What the response states last is its answer (`rewards.maths.answer`); several values answer no question that has
    one. ``units``: ``required`` wants the unit of a reference that has one, by any of its names and unconverted.

    math-verify runs in a process of its own (it keeps time by signals, which only a main thread may set). An answer
    that it cannot compare within ``timeout_s`` seconds is worth 0 and counted as ``math/failed``; if it cannot read the
    reference either, the sample is invalid.
    """
    from rewards.math_process import MathVerifier

    if answer_field not in columns:
        raise KeyError(f"the data has no column '{answer_field}'; set params.answer_field to one of {sorted(columns)}")
    verifier = MathVerifier.shared()
    results = [
        RewardResult.unjudged(NO_REFERENCE)
        if right is None or not str(right).strip()
        else judged(str(right), text, verifier, timeout_s=timeout_s, units=units)
        for text, right in zip(responses, columns[answer_field], strict=True)
    ]
    if log_metric is not None and results:
        log_metric("failed", sum("fault" in result.info for result in results) / len(results))
    return list(results)
