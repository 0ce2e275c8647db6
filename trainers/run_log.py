"""The log of a run: everything into its file, warnings to the terminal as well."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_CHATTY = ("urllib3", "asyncio", "matplotlib", "PIL", "sqlalchemy", "alembic")
"""Loggers of libraries that write a line for every request."""


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Python's logging into the file at ``path`` from DEBUG on, and to stderr from WARNING on; undone at the end.

    Loggers of libraries that write a line for every request stay at INFO.
    """
    root = logging.getLogger()
    file = logging.FileHandler(path, encoding="utf-8")
    file.setLevel(logging.DEBUG)
    file.setFormatter(logging.Formatter(_FORMAT))
    console = _StderrHandler()
    console.setLevel(logging.WARNING)
    console.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    loud = [logging.getLogger(name) for name in _CHATTY]
    levels = [(logger, logger.level) for logger in [root, *loud]]
    root.setLevel(logging.DEBUG)
    for logger in loud:
        logger.setLevel(logging.INFO)
    root.addHandler(file)
    root.addHandler(console)
    try:
        yield
    finally:
        for handler in (file, console):
            root.removeHandler(handler)
            handler.close()
        for logger, level in levels:
            logger.setLevel(level)


class _StderrHandler(logging.StreamHandler):
    """Writes to what ``sys.stderr`` is at the moment: a live display replaces it for as long as it stands."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, _: Any) -> None:
        pass
