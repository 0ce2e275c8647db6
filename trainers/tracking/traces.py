"""Groups of a step as MLflow traces: prompt, then for each response rollout, rewards and advantage.

Everything here runs on the tracker's own thread except ``trace_of``, which only copies what the step leaves behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpo.samples import Group, Response

if TYPE_CHECKING:
    from mlflow.entities import LiveSpan

MAX_CHARACTERS = 20_000
"""Of a prompt or response in a trace; longer ones are cut, with a note."""


@dataclass(frozen=True)
class GroupTrace:
    """One group as plain values. ``time_ns``: when the step ended."""

    name: str
    stage: str
    step: int
    time_ns: int
    prompt: dict[str, Any]
    responses: list[dict[str, Any]]


def trace_of(stage: str, step: int, number: int, group: Group, time_ns: int) -> GroupTrace:
    """What there is to know about group ``number`` of a step; later changes to the group do not reach it."""
    prompt = {"id": group.prompt.id, "question": _cut(group.prompt.question), "tokens": len(group.prompt.token_ids)}
    responses = [_facts(response) for response in group.responses]
    return GroupTrace(f"{stage} step {step} prompt {number + 1}", stage, step, time_ns, prompt, responses)


def write_trace(trace: GroupTrace, experiment_id: str, run_id: str) -> None:
    """Sends the trace to the tracking URI that is set, as part of the run."""
    import mlflow

    at = trace.time_ns
    root = mlflow.start_span_no_context(
        trace.name,
        span_type="CHAIN",
        inputs=trace.prompt,
        tags={"stage": trace.stage, "step": str(trace.step)},
        metadata={"mlflow.sourceRun": run_id},
        experiment_id=experiment_id,
        start_time_ns=at,
    )
    for number, response in enumerate(trace.responses):
        child = _span(root, f"response {number + 1}", "AGENT", at, {"question": trace.prompt["question"]})
        for name, kind in (("rollout", "LLM"), ("rewards", "EVALUATOR"), ("advantage", "UNKNOWN")):
            given = {"prompt": trace.prompt["question"]} if name == "rollout" else {"response": response["text"]}
            _span(child, name, kind, at, given).end(outputs=response[name], end_time_ns=at)
        child.end(outputs=response["rollout"] | response["advantage"], end_time_ns=at)
    root.end(outputs={"rewards": [response["rewards"]["reward"] for response in trace.responses]}, end_time_ns=at)


def _span(parent: LiveSpan, name: str, kind: str, at: int, inputs: dict[str, Any]) -> LiveSpan:
    import mlflow

    return mlflow.start_span_no_context(name, span_type=kind, parent_span=parent, inputs=inputs, start_time_ns=at)


def _facts(response: Response) -> dict[str, Any]:
    outcome = response.outcome
    ratios = {} if outcome is None else {"ratios": outcome.ratios[:1000], "clips": outcome.clips[:1000]}
    text = _cut(response.text)
    return {
        "text": text,
        "rollout": {
            "response": text,
            "tokens": len(response.token_ids),
            "finish_reason": response.finish_reason,
            "weight_version": response.weight_version,
        },
        "rewards": {
            "reward": response.reward,
            "components": dict(response.components),
            "notes": {name: _cut(str(value)) for name, value in response.notes.items()},
        },
        "advantage": {"advantage": response.advantage, **ratios},
    }


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    return f"{text[:MAX_CHARACTERS]} ... ({len(text) - MAX_CHARACTERS} characters more)"
