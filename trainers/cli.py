"""The command ``lpo``."""

from __future__ import annotations

import glob
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from trainers.launch import Outcome

# Errors that a user can mend are one paragraph; anything else is ours and keeps its traceback. By name, because
# importing where they live would take seconds just to say that a recipe does not exist.
EXIT_CODES = {
    # the input is wrong: found before anything starts
    "lpo.recipe.layers.RecipeError": 2,
    "lpo.plugins.PluginError": 2,
    "rewards.resolver.RewardError": 2,
    "trainers.data.rows.DataError": 2,
    "trainers.models.folder.ModelError": 2,
    "trainers.prepare.PreparationError": 2,
    "trainers.cluster.ClusterError": 2,
    "trainers.run_folder.RunFolderError": 2,
    "trainers.checkpoints.CheckpointError": 2,
    "builtins.PermissionError": 2,
    # the run failed
    "trainers.sampling.TooManyInvalidError": 1,
    "rollout.health.WorkerLostError": 1,
    "rollout.attest.WeightPushError": 1,
}


class _Commands(TyperGroup):
    """Turns the errors above into a paragraph on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            code = exit_code(error)
            if code is None:
                raise
            from rich.console import Console
            from rich.markup import escape

            Console(stderr=True).print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
            raise typer.Exit(code) from None


def exit_code(error: Exception) -> int | None:
    """2 where the input is wrong, 1 where a run failed of something that its message explains, None for bugs."""
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
    return next((EXIT_CODES[name] for name in names if name in EXIT_CODES), None)


app = typer.Typer(
    name="lpo",
    cls=_Commands,
    help="Reinforcement-learning post-training whose policy objective is the experiment: LPO, GRPO, GSPO and their "
    "family, on Ray, vLLM and DeepSpeed.\n\nStart with [bold]lpo train quickstart[/].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
reward_app = typer.Typer(help="The rewards that a recipe can name.", no_args_is_help=True)
app.add_typer(reward_app, name="reward")


def _complete_recipe(incomplete: str) -> list[str]:
    from lpo.recipe import shipped_recipes

    files = [f"{path}/" if Path(path).is_dir() else path for path in glob.glob(f"{incomplete}*")]
    names = [name for name in shipped_recipes() if name.startswith(incomplete)]
    return names + [file for file in files if file.endswith(("/", ".yaml", ".yml"))]


RecipeName = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A YAML file, or the name of a shipped recipe (see `lpo recipes`).",
        autocompletion=_complete_recipe,
        show_default=False,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...",
        help="Fields of the recipe to change, for example stages.rl.steps=50 seed=1.",
        show_default=False,
    ),
]
RunDir = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="Folder of a run.", show_default=False)]
Plain = Annotated[
    bool, typer.Option("--plain", help="One line a step instead of a live display (the default outside a terminal).")
]


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"lpo {version('lpo')}")
        raise typer.Exit


@app.callback()
def _lpo(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def train(recipe: RecipeName, overrides: Overrides = None, plain: Plain = False) -> None:
    """Train a recipe from start to end.

    Runs on this machine, with a Ray of its own, or on the cluster that cluster.address or RAY_ADDRESS names. Ctrl-C
    finishes the step, saves and exits; `lpo resume` goes on from there.
    """
    from lpo.recipe import load_recipe

    loaded = load_recipe(recipe, overrides or [])
    from trainers.launch import train as run

    _exit_if_interrupted(run(loaded, plain=plain or None))


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

    prepared = prepare(loaded)
    stages = ", ".join(f"{stage.name} ({stage.kind}, {stage.steps} steps)" for stage in loaded.recipe.stages)
    from rich.console import Console

    Console(soft_wrap=True).print(
        f"[green]valid[/]  {loaded.recipe.name}: {stages}\n"
        f"model  {prepared.model_path}\n"
        f"data   {len(prepared.dataset.train)} training and {len(prepared.dataset.held_out)} held-out prompts, "
        f"at most {prepared.max_length} tokens with a response\n"
        f"room   {describe_layout(loaded.recipe)}",
        highlight=False,
    )


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

    _print_table(
        [(name, load_recipe(path, check_files=False).recipe.description) for name, path in shipped_recipes().items()]
    )


@reward_app.command("list")
def list_rewards() -> None:
    """List the rewards that a recipe can use by name: shipped ones and those of installed packages."""
    import inspect

    from lpo.plugins import load_callable
    from rewards.resolver import ENTRY_POINTS, SHIPPED, known_rewards

    rows: list[tuple[str, ...]] = []
    for name, source in sorted(known_rewards().items()):
        function = load_callable(name, what="reward", known=SHIPPED, entry_points=ENTRY_POINTS)
        rows.append((name, source, (inspect.getdoc(function) or "").partition("\n")[0]))
    _print_table(rows)
    typer.echo("Your own: file.py:function, relative to the recipe, or package.module:function.")


@app.command()
def doctor() -> None:
    """Say what is wrong with this environment, and how to mend it."""
    from trainers.doctor import report

    raise typer.Exit(report())


def main() -> None:
    """Entry point of the command ``lpo``."""
    app(prog_name="lpo")


def _exit_if_interrupted(outcome: Outcome) -> None:
    if outcome.interrupted:
        raise typer.Exit(130 if outcome.interrupted == "SIGINT" else 143)


def _confirm(question: str) -> bool:
    return typer.confirm(question)


def _print_table(rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for number in range(len(rows[0])):
        table.add_column(no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
