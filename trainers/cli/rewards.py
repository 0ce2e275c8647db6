"""Commands about rewards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from lpo.errors import InputError
from trainers.cli.app import print_table, reward_app

if TYPE_CHECKING:
    from lpo.samples import Group
    from rewards.call import RewardReport

SHOWN_TEXT = 48


@reward_app.command("list")
def list_rewards() -> None:
    """List the rewards that a recipe can use by name: shipped ones and those of installed packages."""
    import inspect

    from lpo.plugins import load_callable
    from rewards.resolver import ENTRY_POINTS, SHIPPED, known_rewards

    rows: list[tuple[str, ...]] = []
    for name, source in sorted(known_rewards().items()):
        function = load_callable(name, what="reward", known=SHIPPED, entry_points=ENTRY_POINTS)
        said = (inspect.getdoc(function) or "").partition("\n")[0]
        rows.append((name, said if name in SHIPPED else f"{said} ({source})".strip()))
    print_table(rows)
    typer.echo("Your own: file.py:function, relative to the recipe, or package.module:function.")


class _Check(TyperCommand):
    """Leaves ``--help`` behind the name of a reward that has a check of its own to that check, which has other
    options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        asked = any(each in ctx.help_option_names for each in args) and not any(each[:6] == "--data" for each in args)
        if asked and not args[0].startswith("-") and not ctx.resilient_parsing:
            try:
                command = _own_check(args[0])
            except InputError:
                command = None
            if command is not None:
                raise typer.Exit(command(args[1:]))
        return super().parse_args(ctx, args)


@reward_app.command("check", cls=_Check, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def check(
    context: typer.Context,
    plugin: Annotated[
        str,
        typer.Argument(metavar="REWARD", help="A name (see `lpo reward list`), file.py:function or module:function."),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="JSONL; a row has prompt, response or responses, and the columns that are needed."
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    timeout: Annotated[float, typer.Option(min=0.01, help="Seconds for one call.")] = 60.0,
    memory: Annotated[float, typer.Option(min=0.125, help="GiB for one process.")] = 4.0,
) -> None:
    """Run a reward on sample responses, offline, in processes of its own as in a run.

    Further arguments are the reward's params, as key=value or key.sub=value. Prints every score, what failed and why,
    what it printed, and how long it took. The exit code is 1 where a response could not be valued.

    Some rewards have a check of their own, for other material than rows: it is run where --data is not given.
    """
    if data is None:
        _check_by_itself(plugin, context.args)
        return
    import yaml

    from lpo.recipe.runtime import RewardSpec, RewardWorkers
    from rewards.call import score_groups
    from rewards.isolation import RewardPool
    from rewards.testing import groups_of, read_rows

    pairs = [argument.partition("=") for argument in context.args]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise typer.BadParameter(f"'{wrong[0]}' is not key=value, a param of the reward")
    if not plugin:
        raise typer.BadParameter("it is empty; give a name, file.py:function or module:function", param_hint="REWARD")
    try:
        params = _nested({name: yaml.safe_load(value) for name, _, value in pairs})
    except yaml.YAMLError as error:
        raise typer.BadParameter(f"a param's value is not valid YAML: {' '.join(str(error).split())}") from None
    groups = groups_of(read_rows(data))
    columns = sorted({name for group in groups for name in group.prompt.columns})
    spec = RewardSpec(reward=plugin, params=params)
    settings = RewardWorkers(workers=workers, timeout_s=timeout, memory_gib=memory)
    with RewardPool(settings, Path.cwd()) as pool:
        reward = pool.resolve(spec, columns)
        report = score_groups(groups, [reward])
    _show(groups, report, reward.name)
    raise typer.Exit(1 if report.invalid else 0)


def _nested(given: dict[str, Any]) -> dict[str, Any]:
    """``{"judge.model": "m"}`` as ``{"judge": {"model": "m"}}``."""
    params: dict[str, Any] = {}
    for name, value in given.items():
        *above, last = name.split(".")
        within = params
        for part in above:
            within = within.setdefault(part, {})
            if not isinstance(within, dict):
                raise typer.BadParameter(f"'{name}' is below '{part}', which has a value of its own")
        within[last] = value
    return params


def _check_by_itself(plugin: str, arguments: list[str]) -> None:
    """Hands over to the reward's own check, if it has one."""
    command = _own_check(plugin)
    if command is None:
        raise typer.BadParameter("give a JSONL file of responses: --data sample.jsonl", param_hint="--data")
    raise typer.Exit(command(arguments))


def _own_check(plugin: str) -> Callable[[list[str]], int] | None:
    """The function ``check_command(arguments) -> exit code`` of the reward's module; None where there is none."""
    import sys

    from lpo.plugins import load_callable
    from rewards.resolver import ENTRY_POINTS, SHIPPED

    found: Any = load_callable(plugin, what="reward", known=SHIPPED, base_dir=Path.cwd(), entry_points=ENTRY_POINTS)
    return getattr(sys.modules.get(getattr(found, "__module__", "")), "check_command", None)


def _show(groups: list[Group], report: RewardReport, name: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    responses = [response for group in groups for response in group.responses]
    parts = list(dict.fromkeys(part for response in responses for part in response.components if part != name))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("row", name, *(part.removeprefix(f"{name}/") for part in parts)):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("response", no_wrap=True, overflow="ellipsis", max_width=SHOWN_TEXT)
    table.add_column("notes", overflow="fold")
    position = 0
    for number, group in enumerate(groups, start=1):
        for response in group.responses:
            scores = [_number(response.components.get(part)) for part in (name, *parts)]
            text = Text(" ".join(response.text.split()))
            notes = report.info[position].get(name, {})
            fault = report.faults[position].get(name)
            if fault:
                said = Text(f"{fault}: {notes['error']}" if "error" in notes else fault, style="red")
            else:
                said = Text(", ".join(f"{k}: {v}" for k, v in notes.items()))
            table.add_row(str(number), *scores, text, said)
            position += 1
    console = Console()
    console.print(table)
    valued = [response.components[name] for response in responses if response.components.get(name) is not None]
    lines = [f"{len(valued)} of {report.samples} responses valued, in {report.seconds[name]:.3g} s"]
    if name in report.means:
        lines[0] += f"; mean {report.means[name]:.4g}"
    lines += [f"{count} not applicable" for count in report.not_applicable.values()]
    lines += [f"logged {metric}: {value:.4g}" for metric, value in report.metrics.items()]
    console.print(*lines, sep="\n", highlight=False, markup=False)
    for (_, cause), count in report.invalid.items():
        console.print(Text(f"{count} invalid: {cause}", style="bold red"))
        if trace := report.tracebacks.get((name, cause)):
            console.print(Text(trace.rstrip(), style="dim"))
    if printed := report.printed.get(name):
        console.print(Text("printed:", style="bold"), Text(printed.rstrip()), sep="\n")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
