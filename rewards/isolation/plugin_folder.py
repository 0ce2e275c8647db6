"""The folder of a recipe with its plug-ins, for workers on machines that may not have it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lpo.errors import InputError

_TEXTS = {".txt", ".md", ".html", ".css", ".js", ".jinja", ".j2", ".svg", ".png", ".jpg"}
_SUFFIXES = {".py", ".yaml", ".yml", ".json", ".jsonl", ".toml", ".csv", ".tsv"} | _TEXTS
_LEFT_OUT = frozenset({"runs", "mlruns", "mlartifacts", "node_modules", "__pycache__"})
_MOST_FILE, _MOST_ALL = 1 << 20, 32 << 20
_DEPTH = 3


@dataclass(frozen=True)
class PluginFolder:
    """Small files of a folder: Python, texts and data that a reward may read beside itself.

    ``files`` has contents by path in the folder. Hidden files, files above 1 MiB, files more than three folders down
    and what runs have left (``runs/``, ``mlruns/``) are not among them.
    """

    path: str
    files: dict[str, bytes]

    @classmethod
    def read(cls, folder: Path) -> PluginFolder:
        """Raises InputError where the small files alone are above 32 MiB."""
        files: dict[str, bytes] = {}
        size = 0
        for file in _small_files(folder.resolve(), _DEPTH):
            files[str(file.relative_to(folder.resolve()))] = content = file.read_bytes()
            size += len(content)
            if size > _MOST_ALL:
                raise InputError(
                    f"folder {folder} holds more than {_MOST_ALL >> 20} MiB of small files, too much to send to the "
                    "other nodes for the sake of its plug-ins; keep recipe and plug-ins in a folder of their own, or "
                    "set reward_workers.nodes: driver"
                )
        return cls(str(folder.resolve()), files)

    def here(self, scratch: str) -> str:
        """Where it is on this machine: in its own place if that holds the same files, else copied into ``scratch``."""
        if all(_content(Path(self.path) / name) == content for name, content in self.files.items()):
            return self.path
        copy = Path(scratch) / self.path.strip("/").replace("/", "-")
        copy.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            file = copy / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return str(copy)


def _small_files(folder: Path, depth: int) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(".") or entry.name in _LEFT_OUT:
            continue
        if entry.is_dir(follow_symlinks=False):
            if depth:
                yield from _small_files(Path(entry.path), depth - 1)
        elif entry.is_file() and Path(entry.name).suffix in _SUFFIXES and entry.stat().st_size <= _MOST_FILE:
            yield Path(entry.path)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
