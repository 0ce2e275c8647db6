"""The command ``lpo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="lpo",
    help="Post-training that compares policy objectives: LPO, GRPO, GSPO and their family on Ray, vLLM and DeepSpeed.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A YAML file, or the name of a shipped recipe.")]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE...", help="Fields to change, for example stages.rl.steps=50 seed=1."),
]
Plain = Annotated[bool, typer.Option("--plain", help="One line a step instead of a live display.")]


@app.command()
def train(recipe: RecipeName, overrides: Overrides = None, plain: Plain = False) -> None:
    """Train here: a local Ray is started and stopped, or the cluster of the recipe (or of the job) is used."""
    from lpo.recipe import load_recipe
    from trainers.launch import train as run

    outcome = run(load_recipe(recipe, overrides or []), plain=plain or None)
    if outcome.interrupted:
        raise typer.Exit(130 if outcome.interrupted == "SIGINT" else 143)


@app.command()
def resume(
    run_dir: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="Folder of an interrupted run.")],
    plain: Plain = False,
) -> None:
    """Continue a run from its newest checkpoint, as if it had not stopped."""
    from trainers.launch import resume as run

    outcome = run(run_dir, plain=plain or None)
    if outcome.interrupted:
        raise typer.Exit(130 if outcome.interrupted == "SIGINT" else 143)


@app.command()
def validate(recipe: RecipeName, overrides: Overrides = None) -> None:
    """Check recipe, files, model, data, rewards and the size of the machine. No engine is started."""
    from rich.console import Console

    from lpo.recipe import load_recipe
    from trainers.cluster import check_fits, local_resources
    from trainers.prepare import prepare

    loaded = load_recipe(recipe, overrides or [])
    prepared = prepare(loaded)
    if loaded.recipe.cluster.address is None:
        check_fits(loaded.recipe, local_resources())
    stages = ", ".join(f"{stage.name} ({stage.kind}, {stage.steps} steps)" for stage in loaded.recipe.stages)
    Console().print(
        f"[green]valid[/]  {loaded.recipe.name}: {stages}\n"
        f"model  {prepared.model_path}\n"
        f"data   {len(prepared.dataset.train)} training and {len(prepared.dataset.held_out)} held-out prompts, "
        f"at most {prepared.max_length} tokens with a response",
        highlight=False,
    )


@app.command()
def doctor() -> None:
    """Say what is wrong with this environment, and how to mend it."""
    from trainers.doctor import report

    raise typer.Exit(report())


def main() -> None:
    """Entry point: errors that a user can mend are one paragraph and exit code 2."""
    import sys

    from rich.console import Console

    try:
        app(standalone_mode=True)
    except Exception as error:
        if not _mendable(error):
            raise
        Console(stderr=True).print(f"[bold red]error:[/] {_escaped(error)}", highlight=False, soft_wrap=True)
        sys.exit(2)


def _mendable(error: Exception) -> bool:
    """Errors of recipes, data, models, plug-ins and clusters; anything else is ours and keeps its traceback."""
    from lpo.plugins import PluginError
    from lpo.recipe import RecipeError
    from rewards.resolver import RewardError
    from trainers.checkpoints import CheckpointError
    from trainers.cluster import ClusterError
    from trainers.data import DataError
    from trainers.models import ModelError
    from trainers.prepare import PreparationError
    from trainers.run_folder import RunFolderError

    kinds = (
        RecipeError, PluginError, RewardError, CheckpointError, ClusterError, DataError, ModelError, PreparationError,
        RunFolderError,
    )  # fmt: skip
    return isinstance(error, kinds)


def _escaped(error: Exception) -> str:
    from rich.markup import escape

    return escape(str(error))
