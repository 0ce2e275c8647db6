"""Cut a response into sentences: the segments whose probability ratios LPO clips.

The report segments "by common pause punctuation marks after detokenization" (arXiv 2510.22115v2); which marks is not
given, so the rules are ours: docs/segmentation.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from lpo.segmentation.alignment import read_tokens
from lpo.segmentation.grains import DEFAULT_MAX_TOKENS, Boundaries, register_grain, text_grain

__all__ = ["register_grain", "segment", "sentences"]


def segment(
    token_ids: Sequence[int],
    tokenizer: Any,
    *,
    grain: str | Boundaries = "sentence",
    max_tokens: int | None = None,
) -> list[int]:
    """The sentence index of each token of a response: from 0, never decreasing, without gaps.

    Args:
        token_ids: the response's tokens, of any length, without prompt and padding; any list is accepted.
        tokenizer: a `PreTrainedTokenizerFast`.
        grain: `sentence`, `clause`, `line`, `fixed` (every `max_tokens` tokens), `token`, `response`, a name given to
            `register_grain`, `file.py:function` or `package.module:function`, or a function from a text to the offsets
            where its segments start.
        max_tokens: a longer segment is cut every so many tokens. By default 256 for `sentence` and `line`, 64 for
            `clause` and `fixed`, no limit for the others.

    Returns:
        One index per token. Boundaries are found in the decoded text: a token that holds one belongs to the sentence
        its first visible character is in, and a token without text (EOS, half a character) to that of the token
        before it.

    Raises:
        ValueError: an unknown grain, a plug-in that cannot be loaded, or `max_tokens` below 1.
    """
    if max_tokens is None and isinstance(grain, str):
        max_tokens = DEFAULT_MAX_TOKENS.get(grain)
    if max_tokens is not None and max_tokens < 1:
        raise ValueError(f"max_tokens is {max_tokens}: it must be at least 1, or None for the grain's own limit")
    count = len(token_ids)
    if grain == "token":
        return list(range(count))
    if grain in ("fixed", "response"):
        return [i // max_tokens for i in range(count)] if max_tokens else [0] * count
    find_boundaries = text_grain(grain)
    if count == 0:
        return []
    ids = token_ids.tolist() if hasattr(token_ids, "tolist") else token_ids
    text, anchors = read_tokens(ids, tokenizer)
    starts = np.sort(np.asarray(find_boundaries(text), np.int64))
    sentence = np.searchsorted(starts, anchors, side="right")
    first = np.empty(count, bool)
    first[0] = True
    np.not_equal(sentence[1:], sentence[:-1], out=first[1:])
    if max_tokens is not None:
        opened = np.maximum.accumulate(np.where(first, np.arange(count), 0))
        first |= (np.arange(count) - opened) % max_tokens == 0
    index: list[int] = (np.cumsum(first) - 1).tolist()
    return index


def sentences(text: str, grain: str | Boundaries = "sentence") -> list[str]:
    """The segments of a text; joined they are the text again. White space belongs to the segment before it.

    Raises:
        ValueError: an unknown grain, or one that is counted in tokens (`token`, `fixed`, `response`).
    """
    if grain in ("token", "fixed", "response"):
        raise ValueError(f"grain {grain!r} is counted in tokens: use segment()")
    edges = [0, *sorted({start for start in text_grain(grain)(text) if 0 < start < len(text)}), len(text)]
    return [text[start:end] for start, end in pairwise(edges)] if text else []
