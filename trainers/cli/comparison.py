"""Commands that run several algorithms and put them side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainers.cli.app import Overrides, RecipeName, app


@app.command()
def sweep(
    recipe: RecipeName,
    overrides: Overrides = None,
    algorithms: Annotated[
        str,
        typer.Option(metavar="NAMES", help="For example lpo,grpo_token_mean,gspo or lpo:eps_low=0.02:eps_high=0.02."),
    ] = "lpo,grpo,gspo",
    seeds: Annotated[str, typer.Option(metavar="N", help="Number of seeds, or seeds such as 0,3,7.")] = "3",
    eps_scales: Annotated[
        str | None,
        typer.Option(metavar="FACTORS", help="Try every algorithm at its own eps times each, such as 0.3,1,3."),
    ] = None,
    tune_seeds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Try every eps with the first N seeds only, and the best of each algorithm with the others.",
            show_default="all seeds",
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the runs go.", show_default="runs/RECIPE-sweep")
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, metavar="N", help="Runs at a time.")] = 1,
    warm_up: Annotated[
        bool, typer.Option(help="Train the stages before rl once, and start every run from that model.")
    ] = True,
) -> None:
    """Run a recipe with several algorithms and seeds, from the same starting weights.

    What has finished is not run again and what was interrupted is resumed, so the same command continues a sweep;
    more algorithms or seeds may be added to it. Look at it with `lpo compare FOLDER`.
    """
    from lpo.recipe import load_recipe
    from trainers.comparison.command import run_sweep
    from trainers.comparison.plan import Plan, SweepError, parse_seeds, parse_variants

    loaded = load_recipe(recipe, overrides or [])
    try:
        scales = [float(part) for part in eps_scales.split(",")] if eps_scales else []
    except ValueError:
        raise SweepError(f"--eps-scales {eps_scales}: give factors such as 0.3,1,3") from None
    numbers = parse_seeds(seeds)
    plan = Plan(parse_variants(algorithms, scales), numbers, len(numbers) if tune_seeds is None else tune_seeds)
    target = folder or Path("runs") / f"{loaded.recipe.name}-sweep"
    raise typer.Exit(run_sweep(loaded, plan, target, parallel=parallel, warm_up=warm_up))


@app.command()
def compare(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="EXPERIMENT...", help="Folder of a sweep, run folders, or an MLflow experiment.", show_default=False
        ),
    ],
    target: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Accuracy whose cost is measured.", show_default="what every run reached"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="For comparison.png and comparison.html.", show_default="the sweep's"),
    ] = None,
    tracking_uri: Annotated[
        str | None, typer.Option(metavar="URI", help="Where MLflow's experiment is.", show_default=False)
    ] = None,
) -> None:
    """Put runs side by side at equal response tokens: accuracy with 95% intervals, cost, significance, clips.

    Warns where runs differ in more than the algorithm.
    """
    from trainers.comparison.command import show_comparison

    show_comparison(names, target=target, out=out, tracking_uri=tracking_uri)
