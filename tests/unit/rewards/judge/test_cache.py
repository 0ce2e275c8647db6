"""Answers are kept by content, by any number of processes, within a size."""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from lpo.errors import InputError
from rewards.judge.cache import AnswerCache, content_key


def test_an_answer_is_found_by_another_cache_of_the_same_folder(tmp_path):
    key = content_key(body={"model": "m", "messages": ["a"]})
    AnswerCache(tmp_path).put(key, "answer \N{GREEK SMALL LETTER ALPHA}")
    assert AnswerCache(tmp_path).get(key) == "answer \N{GREEK SMALL LETTER ALPHA}"
    assert AnswerCache(tmp_path).get(content_key(body={"model": "n", "messages": ["a"]})) is None
    assert AnswerCache(None).get(key) is None


@pytest.mark.parametrize(
    "spoilt", [b"", b"{", b"[]", b"null", b'{"key": "x", "answer": "no"}', b'{"answer": 3}', b"\xff"]
)
def test_a_spoilt_file_is_no_answer_and_can_be_written_again(tmp_path, spoilt):
    key = content_key(body=1)
    AnswerCache(tmp_path).put(key, "a")
    (file,) = tmp_path.glob("*/*.json")
    file.write_bytes(spoilt)
    fresh = AnswerCache(tmp_path)
    assert fresh.get(key) is None
    fresh.put(key, "b")
    assert AnswerCache(tmp_path).get(key) == "b"


def test_what_was_used_longest_ago_goes_first(tmp_path):
    keys = [content_key(number=number) for number in range(40)]
    roomy = AnswerCache(tmp_path, mib=1)
    for age, key in enumerate(keys):
        roomy.put(key, "x" * 4096)
        file = tmp_path / key[:2] / f"{key[2:]}.json"
        os.utime(file, (1000 + age, 1000 + age))
    assert AnswerCache(tmp_path).get(keys[0])  # and so it is the youngest
    small = AnswerCache(tmp_path, mib=20 * 4096 / (1 << 20))
    small.put(content_key(number="new"), "x" * 4096)
    left = [key for key in keys if (tmp_path / key[:2] / f"{key[2:]}.json").exists()]
    assert 12 <= len(left) <= 19
    assert left == [keys[0], *keys[-len(left) + 1 :]]


def _write_and_read(folder: str) -> int:
    cache, found = AnswerCache(folder_path(folder), mib=0.02), 0
    for number in range(150):
        key = content_key(number=number % 30)
        answer = AnswerCache(folder_path(folder)).get(key)
        assert answer in (None, f"{number % 30} " * 300)
        found += answer is not None
        cache.put(key, f"{number % 30} " * 300)
    return found


def folder_path(folder: str):
    from pathlib import Path

    return Path(folder)


def test_processes_that_write_read_and_shrink_at_one_time_never_see_half_an_answer(tmp_path):
    with ProcessPoolExecutor(3, mp_context=get_context("fork")) as pool:
        found = list(pool.map(_write_and_read, [str(tmp_path)] * 3))
    assert sum(found) > 0
    assert not list(tmp_path.glob("*/.*.part"))
    for file in tmp_path.glob("*/*.json"):
        assert json.loads(file.read_text())["answer"]


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"judge\.cache .*/file/cache cannot be written to .*reward_workers\.writable"):
        AnswerCache(tmp_path / "file" / "cache")
