"""Errors that a user can mend: the command line prints them as one paragraph, and bugs with their traceback."""

from __future__ import annotations


class InputError(ValueError):
    """What the user gave is wrong: a recipe, a file, a plug-in, an option. Names it and says what would be right."""

    exit_code = 2


class RunError(RuntimeError):
    """A run failed of something that the message explains, and what to do about it."""

    exit_code = 1
