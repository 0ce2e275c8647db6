"""Commands about rewards."""

from __future__ import annotations

import typer

from trainers.cli.app import print_table, reward_app


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
    print_table(rows)
    typer.echo("Your own: file.py:function, relative to the recipe, or package.module:function.")
