"""The command that looks inside saved rollouts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from trainers.cli.app import RunDir, app


@app.command("inspect")
def inspect_run(
    run_dir: RunDir,
    stage: Annotated[str | None, typer.Option(metavar="NAME", help="Only this stage.", show_default=False)] = None,
    step: Annotated[
        int | None, typer.Option(metavar="N", help="Only this step, counted over all stages.", show_default=False)
    ] = None,
    last: Annotated[
        int, typer.Option(min=1, metavar="N", help="Only the newest N saved steps; --step comes first.")
    ] = 20,
    only_clipped: Annotated[bool, typer.Option("--only-clipped", help="Only responses that the clip touched.")] = False,
    wrong: Annotated[bool, typer.Option("--wrong", help="Only responses that the first reward calls wrong.")] = False,
    sort: Annotated[Literal["order", "advantage", "ratio", "reward"], typer.Option(help="What comes first.")] = "order",
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page for a browser instead.", show_default=False)
    ] = None,
) -> None:
    """Look at what a run sampled: responses cut into sentences, each with its ratio and clip state.

    In a terminal a pager (its keys are on the screen); elsewhere everything is printed.
    """
    from rich.console import Console

    from trainers.inspection.saved import InspectionError, load, select
    from trainers.run_folder import RunFolder, write_atomically

    folder = RunFolder.open(run_dir)
    responses = load(folder, stage=stage, step=step, last=None if step is not None else last)
    if html is not None:
        from trainers.inspection.page import render_page

        kept = select(responses, only_clipped=only_clipped, wrong=wrong)
        if not html.absolute().parent.is_dir():
            raise InspectionError(f"--html {html}: the folder {html.absolute().parent} does not exist; make it first")
        saved_steps = len(list(folder.rollouts.glob("*.jsonl")))
        steps = len({(each.stage, each.step) for each in responses})
        note = f"{steps} of the run's {saved_steps} saved steps" if steps < saved_steps else ""
        write_atomically(html, render_page(folder.path.name, kept, note=note))
        typer.echo(html)
        return
    from trainers.inspection.terminal import Pager, page_through, show

    if sys.stdin.isatty() and sys.stdout.isatty():
        import click

        page_through(Pager(responses, only_clipped, wrong, sort), Console(), click.getchar)
        return
    console = Console()
    kept = select(responses, only_clipped=only_clipped, wrong=wrong, sort=sort)
    if not kept:
        wanted = " and ".join(["was clipped"] * only_clipped + ["is wrong"] * wrong)
        typer.echo(f"none of {len(responses)} saved responses {wanted}", err=True)
    for each in kept:
        console.print(show(each))
        console.rule()
