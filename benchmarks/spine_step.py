"""A whole step of reinforcement learning with SmolLM2-135M: ours against TRL's GRPOTrainer, and where ours goes.

Ours is `lpo train` on a recipe: two engines of one thread and a learner of all threads take turns on the same cores.
It waits between steps for its turn, and notes how long engines, learner and weight copy worked inside their processes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.spine_recipes import rl_recipe, threads
from benchmarks.spine_trl_environment import trl_python
from benchmarks.spine_turns import Contender, Turns, setup_of_this_process


def measure_step(
    model: str, runs: int, prompts: int, response_tokens: int, batch_sizes: Sequence[int], *, with_trl: bool = True
) -> dict[str, Any]:
    """Medians over ``runs`` turns of one step each, after one step of each side that warms up.

    TRL makes one step at each of ``batch_sizes`` responses a forward pass, after one that warms up, and goes on with
    the fastest.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        setup = {"model": model, "folder": name, "steps": runs + 2, "prompts": prompts}
        setup |= {"response_tokens": response_tokens}
        with Contender("lpo train", "benchmarks.spine_step", setup) as ours:
            if not with_trl:
                turns = [{"ours": ours.turn()} for _ in range(runs + 1)][1:]
                return {"model": model, "share": share_of([turn["ours"] for turn in turns]), "turns": turns}
            trl_setup = _setup_for_trl(model, folder, prompts, response_tokens)
            python = trl_python()
            tried: dict[int, float] = {}
            for size in batch_sizes if len(batch_sizes) > 1 else []:
                with _trl(python, trl_setup, size, steps=2) as trl:
                    trl.turn()
                    tried[size] = trl.turn()["seconds"]
            best = min(tried, key=lambda size: tried[size]) if tried else batch_sizes[0]
            turns = []
            with _trl(python, trl_setup, best, steps=runs + 1) as trl:
                for run in range(runs + 1):
                    each = {"ours": ours.turn(), "trl": trl.turn()}
                    if run:
                        turns.append(each)
    sides = ("ours", "trl")
    return {
        "model": model,
        "responses": prompts * 8,
        "trl_batch_size": best,
        "trl_seconds_by_batch_size": tried,
        **{f"{side}_seconds": median(turn[side]["seconds"] for turn in turns) for side in sides},
        **{f"{side}_tokens_per_response": median(turn[side]["mean_tokens"] for turn in turns) for side in sides},
        "step_speedup": median(turn["trl"]["seconds"] / turn["ours"]["seconds"] for turn in turns),
        "step_speedup_by_cpu_time": median(turn["trl"]["cpu_seconds"] / turn["ours"]["cpu_seconds"] for turn in turns),
        "token_speedup": median(_per_token(turn["trl"]) / _per_token(turn["ours"]) for turn in turns),
        "share": share_of([turn["ours"] for turn in turns]),
        "turns": turns,
    }


def share_of(steps: Sequence[dict[str, float]]) -> dict[str, float]:
    """Parts of a step's wall time, medians: the work itself, and the driver's clocks around it."""
    parts = {
        name: median(step[name] / step["seconds"] for step in steps)
        for name in steps[0]
        if name not in {"seconds", "mean_tokens", "cpu_seconds"}
    }
    work = ("work/generate", "work/learn", "work/copy")
    return {"work": median(sum(step[name] for name in work) / step["seconds"] for step in steps), **parts}


def _per_token(side: dict[str, float]) -> float:
    return side["seconds"] / side["mean_tokens"]


def _setup_for_trl(model: str, folder: Path, prompts: int, response_tokens: int) -> dict[str, Any]:
    """The same prompts as chat messages with their answers, in the order in which ours takes them."""
    from trainers.data import PromptOrder
    from trainers.prepare import prepare

    copy = folder / "trl"
    copy.mkdir()
    prepared = prepare(rl_recipe(model, copy, steps=1, prompts=prompts, response_tokens=response_tokens))
    order = PromptOrder(prepared.dataset.train, prepared.dataset.order_seed)
    rows = [{"prompt": prompt.content, "answer": str(prompt.columns["answer"])} for prompt in order.take(2000)]
    return {
        "model": str(prepared.model_path),
        "rows": rows,
        "prompts": prompts,
        "group_size": 8,
        "response_tokens": response_tokens,
        "folder": str(copy / "out"),
    }


def _trl(python: str, setup: dict[str, Any], batch_size: int, steps: int) -> Contender:
    environment = {"OMP_NUM_THREADS": str(threads()), "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    setup = {**setup, "batch_size": batch_size, "steps": steps}
    return Contender("TRL", "benchmarks.spine_trl", setup, environment, python)


def _ours(setup: dict[str, Any]) -> None:
    from benchmarks import spine_probes
    from trainers.launch import train
    from trainers.run import Run

    folder, turns = Path(setup["folder"]), Turns()
    loaded = rl_recipe(
        setup["model"],
        folder,
        steps=setup["steps"],
        prompts=setup["prompts"],
        response_tokens=setup["response_tokens"],
    )
    os.environ[spine_probes.FILE] = str(folder / "probes.jsonl")
    spine_probes.install()
    end_step, metrics_file = Run.end_step, folder / "run" / "metrics.jsonl"

    def pause(run: Run, stage_name: str, *, last: bool) -> None:
        if stage_name != "rl":
            return end_step(run, stage_name, last=last)
        figures = json.loads(metrics_file.read_text().splitlines()[-1])
        times = {name: value for name, value in figures.items() if name.startswith("time/")}
        seconds = times.pop("time/step")
        turns.answer(
            {"seconds": seconds, "mean_tokens": figures["response/tokens"], **times, **spine_probes.take(folder)}
        )
        if turns.wait() is None:
            run.stop.name = "the end of the benchmark"
        return end_step(run, stage_name, last=last)

    Run.end_step = pause  # type: ignore[method-assign,assignment]
    if turns.wait() is not None:
        train(loaded, plain=True)


if __name__ == "__main__":
    _ours(setup_of_this_process(sys.argv))
