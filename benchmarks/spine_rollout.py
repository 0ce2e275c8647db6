"""Tokens per second of a fleet of one engine against a bare vLLM ``LLM``, one thread each.

The fleet samples freely; vLLM is then asked for responses of exactly the lengths that came out, so that both make the
same number of tokens in the same batches. vLLM runs as it ships (no log-probs, no seeds) and once more with what a
learner needs (the log-prob of every token, a seed for every response).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.spine_recipes import rl_recipe
from benchmarks.spine_turns import Contender, Turns, setup_of_this_process

_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_ENABLE_V1_MULTIPROCESSING": os.environ.get("VLLM_ENABLE_V1_MULTIPROCESSING", "0"),
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
}


def measure_rollout(model: str, runs: int, prompts: int, response_tokens: int) -> dict[str, Any]:
    """Medians over ``runs`` turns after one that warms up. Tokens/s of each side, and ratios to vLLM."""
    from trainers.prepare import prepare

    with tempfile.TemporaryDirectory() as folder:
        loaded = rl_recipe(model, Path(folder), steps=1, prompts=prompts, response_tokens=response_tokens)
        prepared = prepare(loaded)
        setup = {
            "model": str(prepared.model_path),
            "prompts": [prompt.token_ids for prompt in prepared.dataset.train[:prompts]],
            "group_size": 8,
            "response_tokens": response_tokens,
            "max_length": prepared.max_length,
            "engine": loaded.recipe.engine.model_copy(update={"workers": 1}).model_dump(),
        }
    turns, cpu = list[dict[str, float]](), list[dict[str, float]]()
    with (
        Contender("the fleet", "benchmarks.spine_rollout", {**setup, "side": "fleet"}) as ours,
        Contender("vLLM", "benchmarks.spine_rollout", {**setup, "side": "vllm"}, _ONE_THREAD) as bare,
    ):
        for run in range(runs + 1):
            made = ours.turn(seed=run)
            unseeded = ours.turn(seed=None)
            shipped = bare.turn(lengths=made["lengths"], for_learner=False)
            full = bare.turn(lengths=made["lengths"], for_learner=True)
            assert shipped["tokens"] == full["tokens"] == made["tokens"], "the sides made different numbers of tokens"
            if run:
                each = {"fleet": made, "fleet_unseeded": unseeded, "vllm": shipped, "vllm_for_learner": full}
                turns.append({name: side["tokens"] / side["seconds"] for name, side in each.items()})
                cpu.append({name: side["tokens"] / side["cpu_seconds"] for name, side in each.items()})
    figures = {f"{name}_tokens_per_s": median(turn[name] for turn in turns) for name in turns[0]}
    return {
        "model": model,
        "requests": prompts * 8,
        "mean_tokens": made["tokens"] / len(made["lengths"]),
        **figures,
        "fleet_to_vllm": _ratio(turns, "fleet", "vllm"),
        "fleet_unseeded_to_vllm": _ratio(turns, "fleet_unseeded", "vllm"),
        "fleet_to_vllm_for_learner": _ratio(turns, "fleet", "vllm_for_learner"),
        "fleet_to_vllm_by_cpu_time": _ratio(cpu, "fleet", "vllm"),
        "fleet_unseeded_to_vllm_by_cpu_time": _ratio(cpu, "fleet_unseeded", "vllm"),
        "fleet_to_vllm_for_learner_by_cpu_time": _ratio(cpu, "fleet", "vllm_for_learner"),
        "turns": turns,
    }


def _ratio(turns: list[dict[str, float]], side: str, other: str) -> float:
    return median(turn[side] / turn[other] for turn in turns)


def _fleet(setup: dict[str, Any]) -> None:
    import ray

    from lpo.recipe.runtime import Engine
    from rollout.fleet import Fleet
    from rollout.requests import SampleRequest

    ray.init(num_cpus=1, include_dashboard=False, object_store_memory=2**27, log_to_driver=False)
    engine = Engine(**setup["engine"])
    with Fleet.start(setup["model"], engine, "cpu", max_model_len=setup["max_length"]) as fleet:

        def work(seed: int | None) -> dict[str, Any]:
            requests = [
                SampleRequest(
                    ids,
                    samples=setup["group_size"],
                    max_tokens=setup["response_tokens"],
                    seed=None if seed is None else 1000 * seed + number,
                )
                for number, ids in enumerate(setup["prompts"])
            ]
            started = time.perf_counter()
            responses = [response for group in fleet.generate(requests) for response in group]
            seconds = time.perf_counter() - started
            lengths = [len(response.token_ids) for response in responses]
            return {"seconds": seconds, "tokens": sum(lengths), "lengths": lengths}

        Turns().serve(work)
    ray.shutdown()


def _vllm(setup: dict[str, Any]) -> None:
    from vllm import LLM, SamplingParams

    engine = setup["engine"]
    llm = LLM(
        model=setup["model"],
        dtype="float32",
        enforce_eager=True,
        max_model_len=setup["max_length"],
        max_num_seqs=engine["max_concurrency"],
        kv_cache_memory_bytes=int(engine["kv_cache_gib"] * 2**30),
        # Seeded requests cannot be prefilled in pieces on a CPU.
        enable_chunked_prefill=False,
        max_num_batched_tokens=max(4096, setup["max_length"]),
        seed=0,
    )
    prompts = [{"prompt_token_ids": ids} for ids in setup["prompts"] for _ in range(setup["group_size"])]

    def work(lengths: list[int], for_learner: bool) -> dict[str, Any]:
        extra = [{"logprobs": 0, "seed": number} if for_learner else {} for number in range(len(lengths))]
        parameters = [
            SamplingParams(temperature=1.0, max_tokens=length, ignore_eos=True, **more)
            for length, more in zip(lengths, extra, strict=True)
        ]
        started = time.perf_counter()
        outputs = llm.generate(prompts, parameters, use_tqdm=False)
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "tokens": sum(len(output.outputs[0].token_ids) for output in outputs)}

    Turns().serve(work)


if __name__ == "__main__":
    given = setup_of_this_process(sys.argv)
    (_fleet if given["side"] == "fleet" else _vllm)(given)
