"""Seconds from the start of the command to the end of the first step, and what they go to.

Driver and actors start side by side, so the parts overlap: each is given with the second at which it ended.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.spine_recipes import rl_recipe
from benchmarks.spine_turns import Contender, Turns, setup_of_this_process


def measure_start(model: str, runs: int, prompts: int, response_tokens: int) -> dict[str, Any]:
    """Medians over ``runs`` starts, after one that makes the model's folder and warms the file cache."""
    starts: list[dict[str, Any]] = []
    for run in range(runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            setup = {"model": model, "folder": folder, "prompts": prompts, "response_tokens": response_tokens}
            with Contender("lpo train", "benchmarks.spine_start", {**setup, "started": time.time()}) as ours:
                parts = ours.turn()
            if run:
                starts.append(parts)
    names = [name for name, part in starts[0].items() if isinstance(part, dict)]  # beside them: CPU time of all
    return {
        "model": model,
        "seconds": median(start["first step"]["ended"] for start in starts),
        "parts": {
            name: {key: median(start[name][key] for start in starts) for key in starts[0][name]} for name in names
        },
        "starts": starts,
    }


def _ours(setup: dict[str, Any]) -> None:
    turns, folder = Turns(), Path(setup["folder"])
    turns.wait()
    parts: dict[str, dict[str, float]] = {}

    def note(name: str, seconds: float, at: float) -> None:
        before = parts.get(name, {"seconds": 0.0})
        parts[name] = {"seconds": before["seconds"] + seconds, "ended": at - setup["started"]}

    def clocked(owner: Any, attribute: str, name: str) -> None:
        function = getattr(owner, attribute)

        def timed(*args: Any, **options: Any) -> Any:
            begun = time.perf_counter()
            result = function(*args, **options)
            note(name, time.perf_counter() - begun, time.time())
            return result

        setattr(owner, attribute, timed)

    import ray

    import trainers.launch
    import trainers.reinforce
    from benchmarks import spine_probes
    from rollout.fleet import Fleet
    from trainers.learner_group import LearnerGroup
    from trainers.run import Run

    note("imports of the driver", time.time() - setup["started"], time.time())
    for owner, attribute, name in (
        (trainers.launch, "prepare", "model, data and rewards"),
        (trainers.launch, "track_run", "tracker"),
        (ray, "init", "Ray"),
        (LearnerGroup, "join", "learner: process, imports, rendezvous"),
        (Fleet, "start", "engines: processes, imports, weights, warm-up"),
        (LearnerGroup, "load", "learner: model and optimiser"),
        (Run, "publish", "weights to the engines"),
        (trainers.reinforce, "evaluate", "evaluation before the first step"),
    ):
        clocked(owner, attribute, name)
    os.environ[spine_probes.FILE] = str(folder / "probes.jsonl")
    spine_probes.install()
    end_step: Callable[..., None] = Run.end_step

    def first_step_is_done(run: Run, stage_name: str, *, last: bool) -> None:
        figures = json.loads((folder / "run" / "metrics.jsonl").read_text().splitlines()[-1])
        note("first step", figures["time/step"], time.time())
        for line in (folder / "probes.jsonl").read_text().splitlines():
            each = json.loads(line)
            if each["name"].startswith("start/"):
                note(f"inside the actors: {each['name'].removeprefix('start/')}", each["seconds"], each["at"])
        turns.answer(parts)
        turns.wait()
        run.stop.name = "the end of the benchmark"
        end_step(run, stage_name, last=last)

    Run.end_step = first_step_is_done  # type: ignore[method-assign,assignment]
    loaded = rl_recipe(
        setup["model"],
        folder,
        steps=2,
        prompts=setup["prompts"],
        response_tokens=setup["response_tokens"],
        overrides=["tracking.mlflow=true", f"tracking.uri=sqlite:///{folder}/mlflow.db"],
    )
    trainers.launch.train(loaded, plain=True)


if __name__ == "__main__":
    _ours(setup_of_this_process(sys.argv))
