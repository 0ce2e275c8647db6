"""`segment`: what holds for any token list of any tokenizer, and where tokens go."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lpo.segmentation import register_grain, segment, sentences
from lpo.segmentation.alignment import read_tokens
from tests.unit.lpo.small_tokenizers import FAMILIES

TOKENIZERS = {name: build() for name, build in FAMILIES.items()}
GRAINS = ["sentence", "clause", "line", "fixed", "token", "response"]

families = st.sampled_from(sorted(TOKENIZERS))
# A little beyond each vocabulary: output layers are padded, so such ids can be sampled.
token_lists = st.lists(st.integers(0, 450), max_size=80)


def encode(name: str, text: str) -> list[int]:
    return TOKENIZERS[name](text, add_special_tokens=False)["input_ids"]


def pieces(name: str, text: str, **options: object) -> list[str]:
    """The decoded text of each segment."""
    ids = encode(name, text)
    index = segment(ids, TOKENIZERS[name], **options)
    groups = groupby(zip(index, ids, strict=True), key=lambda pair: pair[0])
    return [TOKENIZERS[name].decode([token for _, token in group]).strip() for _, group in groups]


@given(family=families, token_ids=token_lists, grain=st.sampled_from(GRAINS), limit=st.none() | st.integers(1, 20))
@settings(max_examples=80, deadline=None)
def test_a_partition_for_any_tokens(family: str, token_ids: list[int], grain: str, limit: int | None) -> None:
    index = segment(token_ids, TOKENIZERS[family], grain=grain, max_tokens=limit)
    assert len(index) == len(token_ids)
    assert all(isinstance(sentence, int) for sentence in index)
    assert not index or index[0] == 0
    assert all(after - before in (0, 1) for before, after in pairwise(index))
    assert index == segment(token_ids, TOKENIZERS[family], grain=grain, max_tokens=limit)
    if limit is not None:
        assert max((index.count(sentence) for sentence in set(index)), default=0) <= limit


@given(family=families, token_ids=token_lists)
@example(family="word_level", token_ids=[2, 0, 0, 0, 0, 0, 0, 2])  # special tokens between two words
@example(family="word_level", token_ids=[2, 11, 11, 11, 11, 11, 11, 2])  # tokens that do not exist between them
@settings(max_examples=80, deadline=None)
def test_the_text_is_the_tokenizers_own_decoding(family: str, token_ids: list[int]) -> None:
    text, anchors = read_tokens(token_ids, TOKENIZERS[family])
    ours = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    theirs = TOKENIZERS[family].decode(token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    if family == "unigram" and "\ufffd" in theirs:
        return  # its decoder gives up a whole run of bytes for one that is broken
    # How many replacement characters stand for broken bytes, and the first space, are the decoder's own habit.
    assert ours.replace("\ufffd", "").lstrip(" ") == theirs.replace("\ufffd", "").lstrip(" ")
    assert len(anchors) == len(token_ids)
    assert all(before <= after for before, after in pairwise(anchors))
    assert all(-1 <= anchor < max(len(text), 1) for anchor in anchors)


@given(text=st.text(max_size=300))
@settings(max_examples=80, deadline=None)
def test_sentences_join_to_the_text(text: str) -> None:
    for grain in ("sentence", "clause", "line"):
        parts = sentences(text, grain)
        assert "".join(parts) == text
        assert all(parts)


@given(text=st.text(alphabet="a.B! ?\n$\\[]()`\"'“。”：，1,*#|{}😀\u200d\u200f\r\t", max_size=200))
@settings(max_examples=80, deadline=None)
def test_marks_in_any_order_never_crash(text: str) -> None:
    for grain in ("sentence", "clause"):
        assert "".join(sentences(text, grain)) == text


@pytest.mark.parametrize("family", ["byte_level", "unigram", "metaspace"])
def test_a_word_with_its_leading_space_opens_the_next_sentence(family: str) -> None:
    assert pieces(family, "Hello world. How are you? I am fine!") == ["Hello world.", "How are you?", "I am fine!"]


def test_tokenizers_without_bytes_are_decoded_step_by_step() -> None:
    assert pieces("suffixed", "Hello world. How are you? I am") == ["Hello world.", "How are you?", "I am"]
    assert pieces("word_piece", "Hello world. How are you? The answer") == [
        "Hello world.",
        "How are you?",
        "The answer",
    ]
    assert pieces("word_level", "Hello world. How are you? Fine!") == ["Hello world.", "How are you?", "Fine!"]


def test_anything_that_decodes_is_a_tokenizer() -> None:
    class Letters:
        __hash__ = None  # type: ignore[assignment]

        def decode(self, token_ids: list[int]) -> str:
            return "".join(map(chr, token_ids))

    assert segment([ord(letter) for letter in "No. 3 is 3.5. So?"], Letters()) == [0] * 14 + [1] * 3


@pytest.mark.parametrize("family", ["byte_level", "unigram", "metaspace"])
def test_known_vocabularies_are_not_decoded_again(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = encode(family, "Hello world. How are you?")
    expected = segment(ids, TOKENIZERS[family])
    monkeypatch.setattr(TOKENIZERS[family], "decode", lambda *_, **__: pytest.fail("decoded"))
    assert segment(ids, TOKENIZERS[family]) == expected


def test_half_characters_go_with_their_character() -> None:
    ids = encode("byte_level", "好。龘")
    index = segment(ids, TOKENIZERS["byte_level"])
    # "龘" was never seen in training: its three bytes are three tokens, all of the second sentence.
    assert index[-3:] == [1, 1, 1]
    assert set(index[:-3]) == {0}


def test_a_boundary_inside_a_token_leaves_it_where_it_starts() -> None:
    tokenizer = TOKENIZERS["unigram"]
    ids = tokenizer.convert_tokens_to_ids(["▁Hello", ".▁T", "h", "e", "▁answer"])
    # ".▁T" holds the end of "Hello." and the T of "The": it starts in the first sentence.
    assert segment(ids, tokenizer) == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("family", sorted(TOKENIZERS))
def test_eos_joins_the_last_sentence(family: str) -> None:
    tokenizer = TOKENIZERS[family]
    ids = encode(family, "Hello world. How are you?")
    index = segment(ids, tokenizer)
    assert segment([*ids, tokenizer.eos_token_id], tokenizer) == [*index, index[-1]]
    assert segment([tokenizer.eos_token_id], tokenizer) == [0]


def test_a_special_token_between_sentences_stays_with_the_one_before() -> None:
    tokenizer = TOKENIZERS["byte_level"]
    first, second = encode("byte_level", "Hello world."), encode("byte_level", " How are you?")
    index = segment([*first, tokenizer.eos_token_id, *second], tokenizer)
    assert index == [0] * (len(first) + 1) + [1] * len(second)


def test_broken_bytes_do_not_hide_a_boundary() -> None:
    tokenizer = TOKENIZERS["byte_level"]
    half = encode("byte_level", "龘")[:1]
    ids = [*half, *encode("byte_level", "a. How"), *half]
    index = segment(ids, tokenizer)
    assert index[0] == 0
    assert index[-1] == 1


def test_empty_and_unknown() -> None:
    tokenizer = TOKENIZERS["byte_level"]
    assert segment([], tokenizer) == []
    assert segment([10**6, 10**12, -1], tokenizer) == [0, 0, 0]
    assert segment([10**6, 10**12, -1], TOKENIZERS["word_piece"]) == [0, 0, 0]
    assert sentences("") == []


def test_arrays_and_tensors_are_token_lists_too() -> None:
    ids = encode("byte_level", "Hello world. How are you?")
    expected = segment(ids, TOKENIZERS["byte_level"])
    assert segment(np.array(ids), TOKENIZERS["byte_level"]) == expected
    assert segment(torch.tensor(ids), TOKENIZERS["byte_level"]) == expected


def test_tokens_added_after_the_first_call_are_read() -> None:
    tokenizer = FAMILIES["byte_level"]()
    ids = tokenizer("Hello world")["input_ids"]
    unused = len(tokenizer)
    assert segment([*ids, unused, *ids], tokenizer) == [0] * (2 * len(ids) + 1)
    tokenizer.add_tokens(["<stop>.\n"])
    assert segment([*ids, unused, *ids], tokenizer) == [0] * (len(ids) + 1) + [1] * len(ids)


def test_a_long_sentence_is_cut() -> None:
    letter, stop, space, other = encode("byte_level", "a. B")
    # 70 letters, the mark and the space are 72 tokens: 30 + 30 + 12. The next sentence is counted anew.
    index = segment([*[letter] * 70, stop, space, *[other] * 3], TOKENIZERS["byte_level"], max_tokens=30)
    assert [index.count(sentence) for sentence in range(4)] == [30, 30, 12, 3]


@pytest.mark.parametrize(("grain", "limit"), [("sentence", 256), ("clause", 64), ("line", 256), ("fixed", 64)])
def test_limits_by_default(grain: str, limit: int) -> None:
    token = encode("byte_level", "a")[0]
    index = segment([token] * 600, TOKENIZERS["byte_level"], grain=grain)
    assert index == [i // limit for i in range(600)]


def test_grains_counted_in_tokens() -> None:
    ids = encode("byte_level", "Hello world. How are you?")
    count = len(ids)
    tokenizer = TOKENIZERS["byte_level"]
    assert segment(ids, tokenizer, grain="token") == list(range(count))
    assert segment(ids, tokenizer, grain="response") == [0] * count
    assert segment(ids, tokenizer, grain="fixed", max_tokens=2) == [i // 2 for i in range(count)]


def test_a_plug_in_by_file_by_function_and_by_name(tmp_path, monkeypatch) -> None:
    plugin = tmp_path / "my_grain.py"
    plugin.write_text("def at_colons(text):\n    return [i + 1 for i, c in enumerate(text) if c == ':']\n")
    expected = ["a:", "b:", "c"]
    assert pieces("byte_level", "a:b:c", grain=f"{plugin}:at_colons") == expected

    def at_colons(text: str) -> list[int]:
        return [i + 1 for i, character in enumerate(text) if character == ":"]

    assert pieces("byte_level", "a:b:c", grain=at_colons) == expected
    monkeypatch.setattr("lpo.segmentation.grains.TEXT_GRAINS", {})
    register_grain("colons", at_colons)
    assert pieces("byte_level", "a:b:c", grain="colons") == expected
    assert sentences("a:b:c", "colons") == expected
    with pytest.raises(ValueError, match="'colons' exists already"):
        register_grain("colons", lambda text: [])


@pytest.mark.parametrize(
    ("grain", "limit", "message"),
    [
        ("sentance", None, "grain 'sentance' is unknown: use one of clause, fixed, line"),
        ("missing.py:f", None, "there is no file"),
        ("no_such_module_here:f", None, "cannot be imported"),
        ("json:no_such_function", None, "has no function 'no_such_function'"),
        ("sentence", 0, "max_tokens is 0: it must be at least 1"),
    ],
)
def test_bad_input_is_named(grain: str, limit: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        segment([1], TOKENIZERS["byte_level"], grain=grain, max_tokens=limit)


def test_sentences_refuses_grains_counted_in_tokens() -> None:
    with pytest.raises(ValueError, match="counted in tokens"):
        sentences("a b", "fixed")
