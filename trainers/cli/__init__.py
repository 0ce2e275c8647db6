"""The command ``lpo``: one file for each group of commands."""

from trainers.cli import comparison, frontier, inspection, rewards, runs  # noqa: F401 - they register their commands
from trainers.cli.app import app, exit_code, main

__all__ = ["app", "exit_code", "main"]
