"""Distinct questions and their split into training and held-out sets."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence

from lpo.samples import Message
from trainers.data.rows import Row


def question_key(question: str | Sequence[Message]) -> str:
    """The text by which two questions are the same: Unicode NFKC, case folded, every run of whitespace one space.

    For a list of messages, the contents of all of them.
    """
    text = question if isinstance(question, str) else "\n".join(message["content"] for message in question)
    # Folding can produce characters that NFKC composes again, so normalise on both sides of it.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def distinct_rows(rows: Iterable[Row]) -> dict[str, Row]:
    """The first row of each distinct question, by question key, in the order of ``rows``."""
    distinct: dict[str, Row] = {}
    for row in rows:
        distinct.setdefault(question_key(row.question), row)
    return distinct


def held_out_keys(keys: Iterable[str], count: int, seed: int) -> list[str]:
    """``count`` of the keys, chosen and ordered by a hash of seed and key.

    The choice does not depend on the order of ``keys``; two sets that share most of their keys hold out mostly the
    same.
    """
    return sorted(keys, key=lambda key: hashlib.sha256(f"{seed}\0{key}".encode()).digest())[:count]
