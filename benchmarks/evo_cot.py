"""Does Evo-CoT make responses shorter at the same accuracy? LPO with it and LPO alone, from the same DFT model.

    python -m benchmarks.evo_cot --seeds 5 --folder runs/evo-cot-study --quickstart runs/quickstart-study
    python -m benchmarks.evo_cot --recipe smollm2_evo_cot --seeds 1 --folder runs/evo-cot-smollm2

For each seed: the recipe's DFT stage, or the DFT model that ``benchmarks.quickstart`` left in its folder; from that
model, the RL stage as the recipe has it and once more with ``curriculum: none``, each until it has sampled the recipe's
``rollout_tokens``. Both are judged on the same held-out prompts with the same sampling seeds. Every run is resumable:
what is in the folder already is not run again.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.quickstart import run_recipe
from lpo.recipe import load_recipe
from trainers.comparison.statistics import interval
from trainers.figures import save
from trainers.frontier import RunFrontier, draw_frontiers, shared_budget

ALONE, EVO_COT = "lpo", "evo-cot"


@dataclass(frozen=True)
class Verdicts:
    """The last evaluation of a run, by prompt: share of right responses, and mean tokens."""

    right: dict[str, float]
    tokens: dict[str, float]

    @classmethod
    def of(cls, run_dir: Path) -> Verdicts:
        newest = max((run_dir / "evaluations").glob("*.jsonl"), key=lambda file: int(file.stem.rpartition("-")[2]))
        lines = [json.loads(line) for line in newest.read_text().splitlines()]
        return cls(
            {each["prompt_id"]: statistics.mean(each["right"]) for each in lines},
            {each["prompt_id"]: statistics.mean(each["tokens"]) for each in lines},
        )


@dataclass(frozen=True)
class Pair:
    """Both runs of one seed, on the same prompts. Differences are Evo-CoT minus LPO alone."""

    seed: int
    prompts: int
    start_accuracy: float
    accuracy_alone: float
    accuracy_evo_cot: float
    tokens_alone: float
    tokens_evo_cot: float
    difference: float
    """Of accuracy, paired by prompt."""
    half_width: float
    """Of the difference's 95% interval over prompts."""
    rollout_tokens_alone: int
    rollout_tokens_evo_cot: int
    area_alone: float
    area_evo_cot: float

    @property
    def tokens_ratio(self) -> float:
        return self.tokens_evo_cot / self.tokens_alone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="quickstart_evo_cot")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("runs/evo-cot-study"))
    parser.add_argument(
        "--quickstart", type=Path, help="folder of benchmarks.quickstart, whose DFT models to start from"
    )
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="fields of the recipe to change")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    pairs: list[Pair] = []
    for seed in range(arguments.seeds):
        pairs.append(study(arguments.recipe, seed, folder, arguments.quickstart, arguments.set))
        (folder / "results.json").write_text(json.dumps([asdict(each) for each in pairs], indent=1) + "\n")
        print(table(pairs), flush=True)
    picture(folder, arguments.seeds)


def study(name: str, seed: int, folder: Path, quickstart: Path | None = None, overrides: Sequence[str] = ()) -> Pair:
    """The runs of one seed, made where they are not there yet."""
    recipe = load_recipe(name, [f"seed={seed}", *overrides]).recipe.model_dump()
    dft, rl = recipe["stages"]
    if quickstart is None:
        run_recipe(recipe | {"stages": [dft | {"rewards": rl["rewards"]}]}, folder, f"dft-{seed}")
        model = folder / f"dft-{seed}" / "checkpoints" / "dft-model"
    else:
        model = quickstart.resolve() / f"quickstart-{seed}" / "checkpoints" / "dft-model"
    recipe["model"] = {"kind": "local", "path": str(model)}
    alone = run_recipe(recipe | {"stages": [rl | {"curriculum": {"kind": "none"}}]}, folder, f"{ALONE}-{seed}")
    evo_cot = run_recipe(recipe | {"stages": [rl]}, folder, f"{EVO_COT}-{seed}")
    return compare(seed, folder, alone, evo_cot)


def compare(seed: int, folder: Path, alone: list[dict[str, Any]], evo_cot: list[dict[str, Any]]) -> Pair:
    """What the last evaluations say."""
    before, after = Verdicts.of(folder / f"{ALONE}-{seed}"), Verdicts.of(folder / f"{EVO_COT}-{seed}")
    if before.right.keys() != after.right.keys():
        raise RuntimeError(f"seed {seed}: the two runs were judged on different prompts")
    differences = [after.right[prompt] - before.right[prompt] for prompt in before.right]
    frontiers = [RunFrontier.of("", records) for records in (alone, evo_cot)]
    return Pair(
        seed=seed,
        prompts=len(differences),
        start_accuracy=frontiers[0].points[0].accuracy,
        accuracy_alone=statistics.mean(before.right.values()),
        accuracy_evo_cot=statistics.mean(after.right.values()),
        tokens_alone=statistics.mean(before.tokens.values()),
        tokens_evo_cot=statistics.mean(after.tokens.values()),
        difference=statistics.mean(differences),
        half_width=interval(differences).half_width or 0.0,
        rollout_tokens_alone=alone[-1]["tokens"],
        rollout_tokens_evo_cot=evo_cot[-1]["tokens"],
        area_alone=frontiers[0].area(),
        area_evo_cot=frontiers[1].area(),
    )


def table(pairs: Sequence[Pair]) -> str:
    """Markdown: a line a seed; then the means, with the 95% intervals of the accuracy's difference."""
    lines = [
        "| seed | DFT | LPO alone | with Evo-CoT | difference, points | tokens | ratio | area | rollout tokens |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.seed} | {each.start_accuracy:.3f} | {each.accuracy_alone:.3f} | {each.accuracy_evo_cot:.3f} "
        f"| {100 * each.difference:+.1f} ± {100 * each.half_width:.1f} "
        f"| {each.tokens_alone:.1f}, {each.tokens_evo_cot:.1f} | {each.tokens_ratio:.2f} "
        f"| {each.area_alone:.3f}, {each.area_evo_cot:.3f} "
        f"| {each.rollout_tokens_alone}, {each.rollout_tokens_evo_cot} |"
        for each in pairs
    ]
    differences = [100 * each.difference for each in pairs]
    over_prompts = 100 * math.hypot(*(each.half_width for each in pairs)) / len(pairs)
    over_seeds = interval(differences).half_width
    spread = f" ± {over_prompts:.1f}" + (f" (± {over_seeds:.1f})" if over_seeds is not None else "")
    ratio = statistics.mean(each.tokens_evo_cot for each in pairs) / statistics.mean(
        each.tokens_alone for each in pairs
    )
    lines.append(f"| **all** | | | | **{statistics.mean(differences):+.1f}{spread}** | | **{ratio:.2f}** | | |")
    lines += [
        "",
        f"{pairs[0].prompts} held-out prompts. ± is half of the paired 95% interval over prompts, of these runs; in",
        "brackets over seeds (Student's t), of runs as they may come.",
    ]
    return "\n".join(lines)


def picture(folder: Path, seeds: int) -> None:
    """frontier-<seed>.png: both runs of a seed."""
    for seed in range(seeds):
        runs = [RunFrontier.of_folder(folder / f"{name}-{seed}") for name in (ALONE, EVO_COT)]
        save(draw_frontiers(runs, shared_budget(runs), f"LPO alone and with Evo-CoT, seed {seed}"),
             folder / f"frontier-{seed}.png")  # fmt: skip


if __name__ == "__main__":
    main()
