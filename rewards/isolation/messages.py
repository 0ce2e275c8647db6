"""What goes between the run and a worker: frames with their length before them, and outcomes as JSON."""

from __future__ import annotations

import json
import socket
from typing import Any

from rewards.batch import Outcome
from rewards.contract import RewardResult

_LENGTH_BYTES = 8
LARGEST_FRAME = 1 << 28


class BrokenFrameError(Exception):
    """What came is no frame of this protocol."""


def send_frame(channel: socket.socket, payload: bytes) -> None:
    channel.sendall(len(payload).to_bytes(_LENGTH_BYTES, "big") + payload)


def receive_frame(channel: socket.socket) -> bytes | None:
    """The next frame, or None where the other side is gone."""
    header = _receive(channel, _LENGTH_BYTES)
    return None if header is None else _receive(channel, int.from_bytes(header, "big"))


def _receive(channel: socket.socket, count: int) -> bytes | None:
    received = bytearray()
    while len(received) < count:
        piece = channel.recv(min(count - len(received), 1 << 20))
        if not piece:
            return None
        received += piece
    return bytes(received)


class FrameReader:
    """Puts a frame together from the pieces in which it arrives."""

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, piece: bytes) -> bytes | None:
        """The frame's payload once all of it is there. Raises BrokenFrameError where it is too long."""
        self._received += piece
        if len(self._received) < _LENGTH_BYTES:
            return None
        size = int.from_bytes(self._received[:_LENGTH_BYTES], "big")
        if size > LARGEST_FRAME:
            raise BrokenFrameError(f"a reply of {size} bytes")
        whole = len(self._received) >= _LENGTH_BYTES + size
        return bytes(self._received[_LENGTH_BYTES : _LENGTH_BYTES + size]) if whole else None


def dump_json(reply: dict[str, Any]) -> bytes:
    """What JSON cannot say (in notes that rewards leave) is sent as its ``repr``."""
    return json.dumps(reply, default=repr, skipkeys=True).encode()


def encode_outcome(outcome: Outcome) -> dict[str, Any]:
    """Plain values as numbers or null, everything else as an object."""
    encoded: dict[str, Any] = {
        "results": [
            [each.total, each.components, each.info, each.invalid]
            if each.components or each.info or each.invalid is not None
            else each.total
            for each in outcome.results
        ]
    }
    for name in ("tracebacks", "metrics", "extra", "failed"):
        if value := getattr(outcome, name):
            encoded[name] = value
    return encoded


def decode_outcome(encoded: dict[str, Any], count: int) -> Outcome:
    """Raises BrokenFrameError where it is not the outcome of a call about ``count`` responses."""
    try:
        results = [
            RewardResult(*each) if isinstance(each, list) else RewardResult(None if each is None else float(each))
            for each in encoded["results"]
        ]
        metrics = {
            str(name): [(float(value), int(weight)) for value, weight in values]
            for name, values in encoded.get("metrics", {}).items()
        }
        tracebacks = {str(cause): str(text) for cause, text in encoded.get("tracebacks", {}).items()}
        extra = {str(column): list(values) for column, values in encoded.get("extra", {}).items()}
        for each in results:
            if not (each.total is None or isinstance(each.total, float | int)):
                raise TypeError("a total that is no number")
            dict[str, float](each.components), dict[str, Any](each.info)
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise BrokenFrameError(str(cause)) from cause
    if len(results) != count:
        raise BrokenFrameError(f"{len(results)} results for {count} responses")
    return Outcome(results, tracebacks, metrics, extra, failed=bool(encoded.get("failed")))
