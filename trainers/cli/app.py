"""The application that the commands are parts of, its errors, and the arguments that commands share."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lpo.errors import InputError, RunError


class _Commands(TyperGroup):
    """Turns an error that a user can mend into a paragraph on stderr and its exit code; bugs keep their traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as raised:
            error = getattr(raised, "cause", None) or raised  # Ray wraps what an actor raised
            code = exit_code(error)
            if code is None:
                raise
            from rich.console import Console
            from rich.markup import escape

            Console(stderr=True).print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
            raise typer.Exit(code) from None


def exit_code(error: Exception) -> int | None:
    """2 where the input is wrong, 1 where a run failed of something that its message explains, None for bugs."""
    if isinstance(error, InputError | RunError):
        return error.exit_code
    return InputError.exit_code if isinstance(error, PermissionError) else None


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


def complete_recipe(incomplete: str) -> list[str]:
    from lpo.recipe import shipped_recipes

    files = [f"{path}/" if Path(path).is_dir() else path for path in glob.glob(f"{incomplete}*")]
    names = [name for name in shipped_recipes() if name.startswith(incomplete)]
    return names + [file for file in files if file.endswith(("/", ".yaml", ".yml"))]


RecipeName = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A YAML file, or the name of a shipped recipe (see `lpo recipes`).",
        autocompletion=complete_recipe,
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


def main() -> None:
    """Entry point of the command ``lpo``."""
    app(prog_name="lpo")


def print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Rows in columns, without a frame; the first column is never folded."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for number in range(len(rows[0])):
        table.add_column(no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
