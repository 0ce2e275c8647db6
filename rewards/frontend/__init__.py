"""What a page of front-end code is worth: does it parse, does it work, how does it look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rewards.contract import RewardResult


def score(
    html: str,
    checks: Any = None,
    *,
    seed: int | str = 0,
    terms: Mapping[str, float] | None = None,
    isolation: Any = "namespace",
) -> RewardResult:
    """The value of one page, or of a model's whole response with a page in it.

    ``checks`` are those of docs/frontend.md as YAML, JSON or objects, or None. ``terms`` sets fields of
    `rewards.frontend.judgement.Terms`. The total is in 0..1, with the components syntax, function, aesthetics and
    content; ``info["reasons"]`` says why.

    Raises InputError where the page is no text, where the checks or the terms are wrong and where no browser can be
    started. Failures of the browser make the result invalid.
    """
    from lpo.errors import InputError
    from rewards.frontend.farm import Farm
    from rewards.frontend.plugin import Frontend, load_checks
    from rewards.frontend.worker import Job

    if not isinstance(html, str):
        what = "bytes; decode them first" if isinstance(html, bytes) else f"of type {type(html).__name__}"
        raise InputError(f"html is {what}; it must be a text, of one page or of a response with a page in it")
    if isinstance(seed, bool) or not isinstance(seed, int | str):
        raise InputError(f"seed is {seed!r}; it must be a whole number or a text")
    Frontend(terms, 1, isolation)
    return Farm.shared(1, isolation).judge([Job(html, load_checks(checks), seed, dict(terms or {}))])[0]
