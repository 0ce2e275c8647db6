"""The text of a list of tokens, and where each token stands in it.

Two ways. Byte-level BPE and SentencePiece vocabularies say which bytes a token stands for, so the bytes are joined and
decoded once: exact for half characters, and fast. Any other tokenizer (WordPiece, say) is decoded step by step in a
small window, as a streaming server does it. Which way applies is tried on the tokenizer, not read off its class.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

_PROBES = 384
# Ids outside the vocabulary have no text: output layers are often padded beyond it. Beyond this one tokenizers raise.
_ID_LIMIT = 2**31


class TokenText(NamedTuple):
    """`text`, and `anchors` (n,): for each token the index in `text` of the character that decides its sentence.

    That is its first visible character; for a token of white space its first one; for a token without text (a special
    token, the later half of a character) the character before it, or -1 at the very start. Never decreasing.
    """

    text: str
    anchors: NDArray[np.int64]


def read_tokens(token_ids: Sequence[int], tokenizer: Any) -> TokenText:
    """Decode `token_ids` with `tokenizer`, special tokens as empty text.

    `tokenizer` is one of transformers', or anything with `decode(token_ids)`.
    """
    vocabulary = _vocabulary(tokenizer)
    if vocabulary is None:
        return _read_stepwise(token_ids, tokenizer)
    return vocabulary.read(token_ids)


class _Vocabulary:
    """The bytes of each token id, looked up once and kept."""

    def __init__(self, tokenizer: Any, to_bytes: Callable[[str], bytes | None]) -> None:
        self._tokenizer = tokenizer
        self._to_bytes = to_bytes
        self._pieces: dict[int, tuple[bytes, int, int]] = {}
        self._look_at_added_tokens()

    def _look_at_added_tokens(self) -> None:
        self._size = len(self._tokenizer)
        self._special = _special_ids(self._tokenizer)
        self._added = set(self._tokenizer.get_added_vocab().values())

    def _learn(self, token_id: int) -> tuple[bytes, int, int]:
        """(bytes, their number, offset of the anchor in them) of a token not met before."""
        token_id = int(token_id)
        token = self._tokenizer.convert_ids_to_tokens(token_id) if 0 <= token_id < _ID_LIMIT else None
        if token is None:
            return b"", 0, -1  # not kept: the tokenizer may get a token of this id later
        if token_id >= self._size:
            self._look_at_added_tokens()
        if token_id in self._special:
            data = b""
        elif token_id in self._added:
            # Some decoders rewrite added tokens too ("▁▁" to two spaces), some do not.
            data = _decode(self._tokenizer, [token_id]).encode("utf-8", "surrogatepass")
        else:
            known = self._to_bytes(token)
            data = token.encode("utf-8", "surrogatepass") if known is None else known
        visible = data.decode("utf-8", "surrogateescape").lstrip().encode("utf-8", "surrogateescape")
        lead = len(data) - len(visible) if visible else 0
        piece = (data, len(data), lead if data else -1)
        self._pieces[token_id] = piece
        return piece

    def read(self, token_ids: Sequence[int]) -> TokenText:
        pieces = self._pieces
        found = [pieces.get(token_id) or self._learn(token_id) for token_id in token_ids]
        if not found:
            return TokenText("", np.empty(0, np.int64))
        chunks, sizes, leads = zip(*found, strict=True)
        data = b"".join(chunks)
        ends = np.cumsum(np.array(sizes, np.int64))
        anchors = ends - np.array(sizes, np.int64) + np.array(leads, np.int64)
        # One character for each byte that is not part of a whole one, so that every byte keeps a place in the text.
        text = data.decode("utf-8", "surrogateescape")
        if len(text) != len(data):
            owner = np.repeat(np.arange(len(text)), _byte_lengths(text))
            anchors = np.where(anchors < 0, -1, owner[np.maximum(anchors, 0)])
        return TokenText(text, anchors)


def _byte_lengths(text: str) -> NDArray[np.int64]:
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = 1 + (points >= 0x80).astype(np.int64) + (points >= 0x800) + (points >= 0x10000)
    lengths[(points >= 0xDC80) & (points <= 0xDCFF)] = 1
    return lengths


_vocabularies: WeakKeyDictionary[Any, _Vocabulary | None] = WeakKeyDictionary()


_VOCABULARY_METHODS = ("__len__", "added_tokens_decoder", "all_special_ids", "convert_ids_to_tokens", "get_added_vocab")


def _vocabulary(tokenizer: Any) -> _Vocabulary | None:
    # Of the class: asking the object would compute `added_tokens_decoder`, milliseconds with thousands of added tokens.
    if not all(hasattr(type(tokenizer), name) for name in _VOCABULARY_METHODS):
        return None
    if tokenizer not in _vocabularies:
        _vocabularies[tokenizer] = _recognise(tokenizer)
    return _vocabularies[tokenizer]


def _recognise(tokenizer: Any) -> _Vocabulary | None:
    special = _special_ids(tokenizer) | set(tokenizer.get_added_vocab().values())
    size = len(tokenizer)
    step = max(1, size // _PROBES)
    probes = [index for index in (*range(0, size, step), *range(min(size, 300))) if index not in special]
    tokens = tokenizer.convert_ids_to_tokens(probes)
    pairs = [(index, token) for index, token in zip(probes, tokens, strict=True) if token is not None]
    if not pairs:
        return None
    for to_bytes in (_byte_level(), _sentencepiece):
        verdicts = {_agrees(tokenizer, pairs[i : i + 2], to_bytes) for i in range(max(1, len(pairs) - 1))}
        if True in verdicts and False not in verdicts:
            return _Vocabulary(tokenizer, to_bytes)
    return None


def _agrees(tokenizer: Any, pairs: list[tuple[int, str]], to_bytes: Callable[[str], bytes | None]) -> bool | None:
    """Whether the bytes of these tokens are what the tokenizer decodes them to; None where that shows nothing."""
    parts = [to_bytes(token) for _, token in pairs]
    if any(part is None for part in parts):
        return False
    ours = b"".join(part for part in parts if part is not None).decode("utf-8", "replace")
    theirs = _decode(tokenizer, [index for index, _ in pairs])
    if "\ufffd" in ours and "\ufffd" in theirs:
        return None  # decoders differ in how much of a text they give up for a broken character
    # SentencePiece decoders drop the space before the first word.
    return theirs in (ours, ours.removeprefix(" "))


def _byte_level() -> Callable[[str], bytes | None]:
    # The alphabet of GPT-2: printable Latin-1 bytes stand for themselves, the others are moved above U+0100 in order.
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    moved = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(moved)}

    def to_bytes(token: str) -> bytes | None:
        try:
            return bytes([alphabet[character] for character in token])
        except KeyError:
            return None

    return to_bytes


_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def _sentencepiece(token: str) -> bytes | None:
    byte = _BYTE_TOKEN.fullmatch(token)
    return bytes([int(byte[1], 16)]) if byte else token.replace("▁", " ").encode("utf-8", "surrogatepass")


def _decode(tokenizer: Any, token_ids: list[int]) -> str:
    try:
        return str(tokenizer.decode(token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))
    except TypeError:  # not one of transformers', and without such options
        return str(tokenizer.decode(token_ids))


def _special_ids(tokenizer: Any) -> set[int]:
    # A token may be special to the tokenizer's own decoder without having a role such as EOS.
    added = {int(index) for index, token in tokenizer.added_tokens_decoder.items() if token.special}
    return added | set(tokenizer.all_special_ids)


_CONTEXT = 6  # tokens decoded before a new one, so that joining rules (spaces, "##") see what they need
_LONGEST_CHARACTER = 8  # tokens one character may take before it is given up as broken


def _read_stepwise(token_ids: Sequence[int], tokenizer: Any) -> TokenText:
    """A token's text is what it adds to the decoding of a few tokens before it; half characters wait for their rest."""
    known = [(place, int(index)) for place, index in enumerate(token_ids) if 0 <= index < _ID_LIMIT]
    ids = [index for _, index in known]
    parts: list[str] = []
    anchors = np.empty(len(ids), np.int64)
    context: list[int] = []  # tokens without text, special ones among them, tell a joining rule nothing
    length = done = 0
    for i in range(len(ids)):
        now = _decode(tokenizer, [*context, *ids[done : i + 1]])
        if now.endswith("\ufffd") and i + 1 - done < _LONGEST_CHARACTER and i + 1 < len(ids):
            continue
        added = now[len(_decode(tokenizer, context)) :]
        lead = len(added) - len(added.lstrip())
        if not added:
            anchors[done : i + 1] = length - 1
        else:
            # Tokens that make one character together all stand at it.
            anchors[done : i + 1] = length + (lead if lead < len(added) else 0)
        parts.append(added)
        length += len(added)
        if added:
            context = [*context, *ids[done : i + 1]][-_CONTEXT:]
        done = i + 1
    everywhere = np.full(len(token_ids), -1, np.int64)
    everywhere[[place for place, _ in known]] = anchors
    return TokenText("".join(parts), np.maximum.accumulate(everywhere) if known else everywhere)
