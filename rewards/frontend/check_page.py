"""``lpo reward check frontend page.html``: one page, judged here and now, with everything that was found."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lpo.errors import InputError, RunError
from rewards.frontend.browser import Browser
from rewards.frontend.checks import Checks
from rewards.frontend.judgement import Judgement, assess
from rewards.frontend.patience import BrowserError
from rewards.frontend.report import report
from rewards.frontend.tasks import shipped_task


def main(arguments: Sequence[str]) -> int:
    """Returns 0 where the page could be judged, whatever it is worth."""
    parser = argparse.ArgumentParser(
        prog="lpo reward check frontend",
        description="Judge one page, and say why.",
        epilog="With --data FILE, responses of a data set are judged instead: lpo reward check --help.",
    )
    parser.add_argument("page", type=Path, help="a page, or a whole response with a page in it")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--checks", type=Path, help="functional checks, YAML or JSON")
    asked.add_argument("--task", help="a shipped front-end task, whose checks are taken")
    parser.add_argument(
        "--report", type=Path, help="HTML file to write: pictures, boxes where points were lost, tables"
    )
    parser.add_argument("--seed", default="0", help="of the random inputs")
    parser.add_argument("--isolation", choices=("namespace", "best_effort"), default="namespace")
    given = parser.parse_args(list(arguments))
    checks = Checks.load(_read(given.checks)) if given.checks else None
    if given.task:
        checks = shipped_task(given.task).loaded_checks()
    response = _read(given.page)
    if given.report:
        if given.report.resolve() in (given.page.resolve(), given.checks and given.checks.resolve()):
            raise InputError(f"--report {given.report} would overwrite what is read")
        _try_to_write(given.report)
    with Browser(given.isolation) as browser:
        try:
            judged = assess(browser, response, checks, seed=given.seed)
        except BrowserError as cause:
            raise RunError(f"{given.page} could not be judged: {cause}") from cause
    _print(judged)
    if given.report:
        try:
            given.report.write_text(report(judged, given.page.name), encoding="utf-8", errors="backslashreplace")
        except OSError as cause:
            raise _unwritable(given.report, cause) from cause
        _say(f"report: {given.report}")
    return 0


def _try_to_write(path: Path) -> None:
    """Finds out before the page is judged, and leaves things as they are."""
    there = path.exists()
    try:
        path.open("ab").close()
        if not there:
            path.unlink()
    except OSError as cause:
        raise _unwritable(path, cause) from cause


def _unwritable(path: Path, cause: OSError) -> InputError:
    return InputError(f"--report {path} cannot be written: {cause.strerror}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise InputError(f"{path} cannot be read as text: {cause}") from cause


def _print(judged: Judgement) -> None:
    _say(
        f"total {judged.total:.3f}   " + "   ".join(f"{name} {value:.3f}" for name, value in judged.components.items())
    )
    if judged.function is not None:
        for each in judged.function.outcomes:
            _say(
                f"  {'ok    ' if each.credit == 1 else 'failed'}  {each.name}"
                + (f": {each.reason}" if each.reason else "")
            )
    for part, reasons in judged.reasons.items():
        if part == "function" and judged.function is not None and judged.function.outcomes:
            continue
        for reason in reasons[:8]:
            _say(f"  {part}: {reason}")


def _say(text: str) -> None:
    """Prints a line. What a page says may hold anything: lone surrogates, controls of the terminal."""
    text = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))
