"""What the spine costs: ``python -m benchmarks.spine [rollout|learner|step|share|start ...]``.

    rollout  tokens/s of a fleet of one engine against a bare vLLM, tiny model and SmolLM2-135M (at least 0.90)
    learner  tokens/s of a learner of one rank against a plain PyTorch loop, SmolLM2-135M (at least 0.90)
    step     a whole step of reinforcement learning against TRL's GRPOTrainer, SmolLM2-135M (at least twice as fast)
    share    the part of a step in which engines generate, the learner learns and weights are copied (at least 0.85)
    start    seconds from the command to the end of the first step (at most 60 on an idle machine)

Without a name all are measured but ``share``, which ``step`` includes. Both sides of a ratio work in turns, so that a
busy machine slows both; ratios are medians of those of single turns. "By CPU time" the time that all processes of a
side used takes the place of the clock's: it says less about waiting and is steadier where others use the machine.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.spine_recipes import MODELS

MEASURED = ("rollout", "learner", "step", "share", "start")


def main() -> None:
    options = _options()
    console, results = Console(), dict[str, list[dict[str, Any]]]()
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the first run", highlight=False)
    for name in options.measure or [each for each in MEASURED if each != "share"]:
        measure, show = _MEASURES[name]
        for model in options.model or _MODELS_OF[name]:
            result = measure(model, options)
            results.setdefault(name, []).append(result)
            show(console, result)
            if options.output:
                options.output.write_text(json.dumps(results, indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measure", nargs="*", choices=[*MEASURED, []], help="what to measure", metavar="NAME")
    parser.add_argument("--model", action="append", choices=MODELS, help="instead of the default ones")
    parser.add_argument("--runs", type=int, default=5, help="turns that count (default 5)")
    parser.add_argument("--prompts", type=int, default=8, help="prompts a step, with 8 responses each (default 8)")
    parser.add_argument("--response-tokens", type=int, default=64, help="most tokens of a response (default 64)")
    parser.add_argument(
        "--budgets", type=int, nargs="+", default=[512], help="learner: micro_batch_tokens (default 512)"
    )
    parser.add_argument(
        "--trl-batch-sizes",
        type=int,
        nargs="+",
        default=[8, 16, 32, 64],
        help="step: responses of a forward pass of TRL; each is tried once and the fastest kept (default 8 16 32 64)",
    )
    parser.add_argument("--output", type=Path, help="JSON file for all figures, single turns too")
    return parser.parse_args()


def _rollout(model: str, options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.spine_rollout import measure_rollout

    return measure_rollout(model, options.runs, options.prompts, options.response_tokens)


def _learner(model: str, options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.spine_learner import measure_learner

    return measure_learner(model, options.runs, options.prompts, options.response_tokens, options.budgets)


def _step(model: str, options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.spine_step import measure_step

    return measure_step(model, options.runs, options.prompts, options.response_tokens, options.trl_batch_sizes)


def _share(model: str, options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.spine_step import measure_step

    return measure_step(model, options.runs, options.prompts, options.response_tokens, [], with_trl=False)


def _start(model: str, options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.spine_start import measure_start

    return measure_start(model, options.runs, options.prompts, options.response_tokens)


def _show_rollout(console: Console, result: dict[str, Any]) -> None:
    title = f"rollout, {result['model']}, {result['requests']} responses"
    table = Table("side", "tokens/s", "fleet / side", "by CPU time", title=title)
    table.add_row("fleet, one engine", f"{result['fleet_tokens_per_s']:.0f}")
    table.add_row("fleet, no seeds", f"{result['fleet_unseeded_tokens_per_s']:.0f}")
    for label, rate, ratio in (
        ("vLLM as it ships", "vllm", "fleet_to_vllm"),
        ("  fleet without seeds", "vllm", "fleet_unseeded_to_vllm"),
        ("vLLM with log-probs and seeds", "vllm_for_learner", "fleet_to_vllm_for_learner"),
    ):
        ratios = f"{result[ratio]:.2f}", f"{result[f'{ratio}_by_cpu_time']:.2f}"
        table.add_row(label, f"{result[f'{rate}_tokens_per_s']:.0f}", *ratios)
    console.print(table)


def _show_learner(console: Console, result: dict[str, Any]) -> None:
    columns = ("micro_batch_tokens", "learner tokens/s", "plain tokens/s", "ratio", "by CPU time")
    table = Table(*columns, title=f"learner, {result['model']}")
    for budget, each in result["budgets"].items():
        rates = (each["learner_tokens_per_s"], each["plain_tokens_per_s"])
        ratios = (each["learner_to_plain"], each["learner_to_plain_by_cpu_time"])
        table.add_row(str(budget), *(f"{rate:.0f}" for rate in rates), *(f"{ratio:.2f}" for ratio in ratios))
    console.print(table)


def _show_step(console: Console, result: dict[str, Any]) -> None:
    table = Table("side", "s a step", "tokens a response", title=f"whole step, {result['model']}")
    table.add_row("lpo train", f"{result['ours_seconds']:.1f}", f"{result['ours_tokens_per_response']:.1f}")
    name = f"TRL, batches of {result['trl_batch_size']}"
    table.add_row(name, f"{result['trl_seconds']:.1f}", f"{result['trl_tokens_per_response']:.1f}")
    console.print(table)
    speed, by_cpu, per_token = (
        result[f"{name}"] for name in ("step_speedup", "step_speedup_by_cpu_time", "token_speedup")
    )
    console.print(
        f"{speed:.2f} times as fast a step ({by_cpu:.2f} by CPU time), {per_token:.2f} times a token", highlight=False
    )
    _show_share(console, result)


def _show_share(console: Console, result: dict[str, Any]) -> None:
    table = Table("part of a step's wall time", "share", title=f"where a step goes, {result['model']}")
    for name, part in result["share"].items():
        table.add_row(name, f"{part:.3f}")
    console.print(table)


def _show_start(console: Console, result: dict[str, Any]) -> None:
    table = Table("part", "seconds", "ended at", title=f"start, {result['model']}: {result['seconds']:.1f} s")
    for name, part in sorted(result["parts"].items(), key=lambda item: item[1]["ended"]):
        table.add_row(name, f"{part['seconds']:.1f}", f"{part['ended']:.1f}")
    console.print(table)


_Measure = tuple[Callable[[str, argparse.Namespace], dict[str, Any]], Callable[[Console, dict[str, Any]], None]]
_MEASURES: dict[str, _Measure] = {
    "rollout": (_rollout, _show_rollout),
    "learner": (_learner, _show_learner),
    "step": (_step, _show_step),
    "share": (_share, _show_share),
    "start": (_start, _show_start),
}
_MODELS_OF = {
    "rollout": MODELS,
    "learner": ("smollm2",),
    "step": ("smollm2",),
    "share": ("smollm2",),
    "start": MODELS,
}

if __name__ == "__main__":
    main()
