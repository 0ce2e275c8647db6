"""Commands that start, continue, check and hand out runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainers.cli.app import Overrides, Plain, RecipeName, RunDir, app, complete_recipe, print_table

if TYPE_CHECKING:
    from trainers.launch import Outcome


@app.command()
def train(
    recipe: RecipeName,
    overrides: Overrides = None,
    plain: Plain = False,
    parent_run: Annotated[str | None, typer.Option(metavar="ID", help="MLflow run of a sweep.", hidden=True)] = None,
) -> None:
    """Train a recipe from start to end.

    Runs on this machine, with a Ray of its own, or on the cluster that cluster.address or RAY_ADDRESS names. Ctrl-C
    finishes the step, saves and exits; `lpo resume` goes on from there.
    """
    from lpo.recipe import load_recipe

    loaded = load_recipe(recipe, overrides or [])
    from trainers.launch import train as run

    _exit_if_interrupted(run(loaded, plain=plain or None, parent_run_id=parent_run))


@app.command()
def resume(run_dir: RunDir, plain: Plain = False) -> None:
    """Continue an interrupted run from its newest checkpoint, as if it had not stopped."""
    from trainers.run_folder import RunFolder

    RunFolder.open(run_dir)
    from trainers.launch import resume as run

    _exit_if_interrupted(run(run_dir, plain=plain or None))


@app.command()
def submit(
    recipe: RecipeName,
    address: Annotated[
        str,
        typer.Option(
            metavar="URL",
            envvar="RAY_API_SERVER_ADDRESS",
            help="The cluster's dashboard, for example http://head:8265.",
            show_default=False,
        ),
    ],
    overrides: Overrides = None,
    env: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Environment variable of the job; may be repeated.")
    ] = None,
    pip: Annotated[
        list[str] | None,
        typer.Option(metavar="PACKAGE", help="Package that every node installs for the job; may be repeated."),
    ] = None,
    follow: Annotated[bool, typer.Option(help="Show the job's output and return its exit code.")] = True,
) -> None:
    """Run a recipe as a job of a Ray cluster.

    The recipe, the files it names (plug-ins, data, a local model) and this copy of lpo travel along; the cluster's
    machines need lpo's dependencies only. Ctrl-C asks whether to stop the job.
    """
    from lpo.recipe import load_recipe
    from trainers.submit import submit as run

    pairs = [item.partition("=") for item in env or []]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise typer.BadParameter(f"'{wrong[0]}' is not NAME=VALUE", param_hint="--env")
    environment = {name: value for name, _, value in pairs}
    code = run(
        load_recipe(recipe, overrides or []),
        address,
        environment=environment,
        packages=pip,
        follow=follow,
        confirm=_confirm if sys.stdin.isatty() else None,
    )
    raise typer.Exit(code)


@app.command()
def validate(recipe: RecipeName, overrides: Overrides = None) -> None:
    """Check everything that can be known before a run: recipe, files, model, data, rewards, room on the cluster.

    No engine is started. With cluster.address (or RAY_ADDRESS) the cluster is asked what it has.
    """
    from lpo.recipe import load_recipe

    loaded = load_recipe(recipe, overrides or [])
    from trainers.cluster import describe_layout
    from trainers.prepare import prepare
    from trainers.run_folder import check_run_dir

    check_run_dir(loaded.recipe)
    prepared = prepare(loaded)
    stages = ", ".join(f"{stage.name} ({stage.kind}, {stage.steps} steps)" for stage in loaded.recipe.stages)
    from rich.console import Console

    Console(soft_wrap=True).print(
        f"[green]valid[/]  {loaded.recipe.name}: {stages}\n"
        f"model  {prepared.model_path}\n"
        f"data   {len(prepared.dataset.train)} training and {len(prepared.dataset.held_out)} held-out prompts, "
        f"at most {prepared.max_length} tokens with a response\n"
        + "".join(f"judge  {each}\n" for each in prepared.judged)
        + f"room   {describe_layout(loaded.recipe)}",
        highlight=False,
    )


@app.command("eval")
def evaluate(
    target: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE|RUN_DIR",
            help="A recipe, or the folder of a run.",
            autocompletion=complete_recipe,
            show_default=False,
        ),
    ],
    overrides: Overrides = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A model folder; of a run also `final`, `best` or a stage.",
            show_default="the recipe's, or the run's last",
        ),
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose rewards, temperature and lengths.", show_default="the last"),
    ] = None,
    items: Annotated[
        int | None, typer.Option(min=2, metavar="N", help="Held-out prompts.", show_default="the recipe's")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Responses a prompt.", show_default="the recipe's")
    ] = None,
    greedy: Annotated[
        bool | None, typer.Option("--greedy/--no-greedy", help="Decode greedily too.", show_default="the recipe's")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Metrics and verdicts by prompt, as JSON.", show_default=False)
    ] = None,
    responses: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What was said, as JSON lines.", show_default=False)
    ] = None,
) -> None:
    """Judge a model on the held-out prompts of a recipe: engines and rewards as in training, no learner."""
    from trainers.model_evaluation import Question, evaluate_model, load

    question = Question(model=model, stage=stage, items=items, samples=samples, greedy=greedy)
    loaded, chosen = load(target, overrides or [], question)
    evaluate_model(loaded, chosen, output=output, responses=responses)


@app.command()
def export(
    run_dir: RunDir,
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="Folder to write; it must not exist.", show_default=False)
    ],
    which: Annotated[str, typer.Option(metavar="NAME", help="`final`, `best`, or the name of a stage.")] = "final",
) -> None:
    """Copy a run's model out of its folder: an ordinary Hugging Face folder, checked against its checksums."""
    from trainers.checkpoints import export_model

    typer.echo(export_model(run_dir, which, target))


@app.command()
def recipes() -> None:
    """List the shipped recipes."""
    from lpo.recipe import load_recipe, shipped_recipes

    print_table(
        [(name, load_recipe(path, check_files=False).recipe.description) for name, path in shipped_recipes().items()]
    )


@app.command()
def doctor() -> None:
    """Say what is wrong with this environment, and how to mend it."""
    from trainers.doctor import report

    raise typer.Exit(report())


def _exit_if_interrupted(outcome: Outcome) -> None:
    if outcome.interrupted:
        raise typer.Exit(130 if outcome.interrupted == "SIGINT" else 143)


def _confirm(question: str) -> bool:
    return typer.confirm(question)
