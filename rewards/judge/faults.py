"""Why a judge gave no verdict. None of it is the response's fault, so none of it may cost the response anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class JudgeFault(Exception):  # noqa: N818 - the word that rewards use: a fault of the reward's own machinery
    """No verdict. ``cause`` is one of few words, for counting; the message says what happened.

    Causes: ``judge_down`` (no connection, no answer in time, 5xx), ``judge_busy`` (429 to the end), ``judge_refused``
    (another 4xx), ``judge_unparsable`` (no verdict in the answer), ``judge_slow`` (the call's patience is over) and
    ``judge_failed`` (a local function raised).
    """

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(detail)
        self.cause = cause


def commonest(faults: Iterable[JudgeFault]) -> JudgeFault:
    """The first fault of the cause that is there most often; ``faults`` must not be empty."""
    listed = list(faults)
    (cause, _), *_ = Counter(fault.cause for fault in listed).most_common(1)
    return next(fault for fault in listed if fault.cause == cause)
