"""Text of others between marks that it cannot close.

What a policy writes is the most hostile input that a judge has: training looks for whatever raises the mark. So each
text stands between marks that hold a number drawn from all of the texts (who writes a text cannot know it, as it
would change with the text), letters that chat templates read as the end of a turn are broken up, and the rules are said
in the system's message, before anything that others wrote.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

_ZERO_WIDTH = "\N{ZERO WIDTH SPACE}"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TEMPLATE_WORDS = re.compile(
    r"<(?=[|\uff5c])|(?<=[|\uff5c])>"  # <|im_start|>, <|eot_id|> and their kin
    r"|<(?=/?(?:s|bos|eos|pad|start_of_turn|end_of_turn|SYS|think)>)|\[(?=/?INST\])",
    re.IGNORECASE,
)
"""Where words that chat templates and tokenisers give a meaning are broken up."""


def cleaned(text: str, longest: int) -> str:
    """The text as a judge may see it: no control characters, no words of chat templates, the middle left out where it
    is longer than ``longest`` characters."""
    text = text.encode("utf-8", "replace").decode().replace("\r\n", "\n")
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    if len(text) > longest:
        head, tail = text[: longest - longest // 3], text[-(longest // 3) :]
        text = f"{head}\n[... {len(text) - longest} characters left out ...]\n{tail}"
    return _TEMPLATE_WORDS.sub(lambda found: found[0] + _ZERO_WIDTH if found[0] != ">" else _ZERO_WIDTH + ">", text)


def nonce(texts: Sequence[str]) -> str:
    """A number that none of the texts contains, the same for the same texts, so that answers can be kept."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    while any((drawn := digest.hexdigest()[:16]) in text for text in texts):
        digest.update(b"again")
    return drawn


def quoted(name: str, text: str, number: str) -> str:
    """``text`` between the marks of ``name``."""
    return f"<<<{name} {number}>>>\n{text}\n<<<end of {name} {number}>>>"
