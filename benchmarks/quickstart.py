"""Does the quickstart learn because of its rewards? LPO after DFT, beside two controls from the same DFT model.

    python -m benchmarks.quickstart --seeds 5 --folder runs/quickstart-study

For each seed: the quickstart itself; then, from its DFT model, as much more DFT as the RL took in time; and the same RL
with the rewards of each batch shuffled. Every run is resumable: what is in the folder already is not run again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lpo.recipe import dump_recipe, load_recipe
from lpo.recipe.schema import Recipe
from trainers.comparison.statistics import interval

Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Result:
    """Held-out accuracy, sampled at temperature 1, before and after the part of a run that is compared."""

    run: str
    seed: int
    before: float
    after: float
    minutes: float

    @property
    def gain(self) -> float:
        return self.after - self.before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("runs/quickstart-study"))
    parser.add_argument("--no-controls", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    for seed in range(arguments.seeds):
        results += study(seed, arguments.folder.resolve(), controls=not arguments.no_controls)
        (arguments.folder / "results.json").write_text(json.dumps([vars(each) for each in results], indent=1))
        print(table(results), flush=True)


def study(seed: int, folder: Path, *, controls: bool) -> list[Result]:
    quickstart = folder / f"quickstart-{seed}"
    records = run(["quickstart", f"seed={seed}"], quickstart)
    rl = [each for each in records if each["stage"] == "rl"]
    results = [result("DFT, then LPO", seed, rl, records)]
    if not controls:
        return results
    dft_model = quickstart / "checkpoints" / "dft-model"
    recipe = load_recipe("quickstart").recipe.model_dump()
    recipe["model"] = {"kind": "local", "path": str(dft_model)}
    recipe["seed"] = seed
    start = rl[0]["eval/accuracy"]

    shuffled = recipe | {"stages": [recipe["stages"][1] | {"shuffle_rewards": True}]}
    results.append(result("DFT, then shuffled rewards", seed, run_recipe(shuffled, folder, f"shuffled-{seed}")))

    dft = [each for each in records if each["stage"] == "dft"]
    seconds = sum(each["time/step"] - each.get("time/eval", 0.0) for each in rl)
    steps = max(1, round(seconds / statistics.median(each["time/learn"] for each in dft if "time/learn" in each)))
    rate = {"learning_rate": 1e-3, "schedule": "cosine", "warmup_steps": 20, "min_ratio": 0.1}
    stage = recipe["stages"][0] | {"steps": steps, "target_accuracy": None, "optimizer": rate}
    stage["evaluation"] = recipe["stages"][1]["evaluation"] | {"every": steps}
    stage["rewards"] = recipe["stages"][1]["rewards"]
    more = run_recipe(recipe | {"stages": [stage]}, folder, f"more-dft-{seed}")
    results.append(result("DFT, then as much more DFT", seed, more, before=start))
    return results


def result(name: str, seed: int, part: Records, whole: Records | None = None, before: float | None = None) -> Result:
    accuracies = [each["eval/accuracy"] for each in part if "eval/accuracy" in each]
    seconds = sum(each["time/step"] for each in whole or part)
    return Result(name, seed, accuracies[0] if before is None else before, accuracies[-1], seconds / 60)


def run_recipe(recipe: dict[str, Any], folder: Path, name: str) -> Records:
    file = folder / f"{name}.yaml"
    file.write_text(dump_recipe(Recipe.model_validate(recipe)))
    return run([str(file)], folder / name)


def run(arguments: list[str], run_dir: Path) -> Records:
    """The metrics of a finished run; the run is made, or resumed, if it is not there."""
    log = run_dir.with_suffix(".log")
    if not (run_dir / "checkpoints" / "finished").exists():
        command = ["resume", str(run_dir)] if run_dir.exists() else ["train", *arguments, f"run_dir={run_dir}"]
        with log.open("a") as output:
            subprocess.run(
                [sys.executable, "-m", "trainers", *command, "--plain"], stdout=output, stderr=output, check=True
            )
        (run_dir / "checkpoints" / "finished").touch()
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def table(results: list[Result]) -> str:
    """Markdown: a line a seed, then the mean gain with its 95% interval over seeds."""
    names = list(dict.fromkeys(each.run for each in results))
    lines = ["| run | seed | before | after | gain | minutes |", "|---|---|---|---|---|---|"]
    for name in names:
        rows = [each for each in results if each.run == name]
        lines += [
            f"| {name} | {row.seed} | {row.before:.3f} | {row.after:.3f} | {100 * row.gain:+.1f} | {row.minutes:.1f} |"
            for row in rows
        ]
        gains = [100 * row.gain for row in rows]
        half_width = interval(gains).half_width
        spread = f" ± {half_width:.1f}" if half_width is not None else ""
        lines.append(f"| **{name}** | all | | | **{statistics.mean(gains):+.1f}{spread}** | |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
