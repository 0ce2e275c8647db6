"""The command that draws runs by what their accuracy costs in tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trainers.cli.app import app, print_table


@app.command()
def frontier(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN_DIR...", help="Folders of runs.", show_default=False)],
    output: Annotated[Path, typer.Option(metavar="PNG", help="Picture to write.")] = Path("frontier.png"),
    budget: Annotated[
        float | None,
        typer.Option(
            metavar="TOKENS",
            help="Largest response length that the area counts; by default the limit that the runs share.",
            show_default=False,
        ),
    ] = None,
    track: Annotated[bool, typer.Option(help="Add the picture to the runs' artifacts in MLflow.")] = True,
) -> None:
    """Accuracy against mean response tokens, over training and between runs, with the area under each frontier.

    The area is the best accuracy within a token budget, averaged over budgets from none to --budget: between 0 and 1,
    larger for runs that are right with fewer tokens.
    """
    from trainers.figures import save
    from trainers.frontier import RunFrontier, draw_frontiers, shared_budget

    runs = [RunFrontier.of_folder(each) for each in run_dirs]
    common = shared_budget(runs, budget)
    output.parent.mkdir(parents=True, exist_ok=True)
    save(draw_frontiers(runs, common, "Frontier"), output)
    rows = [("run", "evaluations", "last accuracy", "last tokens", "area")]
    rows += [
        (
            run.name,
            str(len(run.points)),
            f"{run.points[-1].accuracy:.3f}",
            f"{run.points[-1].tokens:.1f}",
            f"{run.area(common):.4f}",
        )
        for run in runs
    ]
    print_table(rows)
    typer.echo(f"areas up to {common:g} tokens; picture {output}")
    for each in run_dirs if track else []:
        _track(each, output)


def _track(run_dir: Path, picture: Path) -> None:
    from trainers.frontier import log_picture

    try:
        run_id = log_picture(run_dir, picture)
    except Exception as error:  # MLflow may be gone, and raises dozens of types then; the picture is there
        typer.echo(f"{run_dir.name}: MLflow did not take the picture ({type(error).__name__})", err=True)
    else:
        if run_id:
            typer.echo(f"{run_dir.name}: added to MLflow run {run_id}, plots/{picture.name}")
