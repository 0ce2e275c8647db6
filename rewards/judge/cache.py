"""Answers of judges on disk, by the hash of everything that decides them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

from lpo.errors import InputError

_MIB = 1 << 20
_IN_MEMORY = 4096
_ABANDONED_S = 3600.0


def content_key(**decisive: Any) -> str:
    """Equal where all of ``decisive`` (JSON values, pictures as base64 among them) is equal."""
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


class AnswerCache:
    """A folder of answers, a file each, that any number of processes may use at one time, and the last ones in memory.

    Files are written beside their place and moved into it, so that nobody reads half of one. A folder that grows beyond
    ``mib`` loses what was not used for longest; each process looks only after it has added a part of that, so that the
    folder may be larger by a sixteenth for each process. What cannot be read is no answer; what cannot be written is
    asked again. Without a folder there is the memory alone.
    """

    def __init__(self, folder: Path | None, mib: float = 512.0) -> None:
        self._folder, self._limit = folder, int(mib * _MIB)
        self._recent: OrderedDict[str, str] = OrderedDict()
        self._added: int | None = None
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as cause:
                raise InputError(
                    f"judge.cache {folder} cannot be written to ({cause.strerror}); name a folder below "
                    "reward_workers.writable, or set judge.cache: false"
                ) from cause

    def get(self, key: str) -> str | None:
        if key in self._recent:
            self._recent.move_to_end(key)
            return self._recent[key]
        if self._folder is None:
            return None
        file = self._file(key)
        try:
            record = json.loads(file.read_bytes())
            answer = record["answer"] if record["key"] == key else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not isinstance(answer, str):
            return None
        with contextlib.suppress(OSError):
            os.utime(file)
        self._remember(key, answer)
        return answer

    def put(self, key: str, answer: str) -> None:
        self._remember(key, answer)
        if self._folder is None:
            return
        data = json.dumps({"key": key, "answer": answer}).encode()
        file = self._file(key)
        with contextlib.suppress(OSError):
            file.parent.mkdir(exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".part")
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(data)
                os.replace(name, file)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(name)
                raise
            self._added = None if self._added is None else self._added + len(data)
            if self._added is None or self._added > self._limit // 16:
                self._shrink()
                self._added = 0

    def _file(self, key: str) -> Path:
        assert self._folder is not None
        return self._folder / key[:2] / f"{key[2:]}.json"

    def _remember(self, key: str, answer: str) -> None:
        self._recent[key] = answer
        self._recent.move_to_end(key)
        if len(self._recent) > _IN_MEMORY:
            self._recent.popitem(last=False)

    def _shrink(self) -> None:
        """Removes the files used longest ago, down to nine tenths of the limit, and what killed writers left."""
        assert self._folder is not None
        files: list[tuple[float, int, str]] = []
        for folder in os.scandir(self._folder):
            if not folder.is_dir():
                continue
            for entry in os.scandir(folder.path):
                with contextlib.suppress(OSError):
                    status = entry.stat()
                    if entry.name.endswith(".part") and time.time() - status.st_mtime > _ABANDONED_S:
                        os.unlink(entry.path)
                    elif entry.name.endswith(".json"):
                        files.append((status.st_mtime, status.st_size, entry.path))
        total = sum(size for _, size, _ in files)
        if total <= self._limit:
            return
        for _, size, path in sorted(files):
            with contextlib.suppress(OSError):
                os.unlink(path)
            total -= size
            if total <= 0.9 * self._limit:
                break
