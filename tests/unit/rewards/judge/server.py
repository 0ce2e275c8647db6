"""A local server that answers as an OpenAI endpoint does, well or badly, and remembers what it was asked."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Raw:
    """What is sent instead of a completion."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    hang_s: float = 0.0
    drop: bool = False


Answer = str | Raw


class JudgeServer:
    """``answers(messages)`` says what it says. ``asked`` holds the bodies, ``headers`` the headers of all requests."""

    def __init__(self, answers: Callable[[list[dict[str, Any]]], Answer]) -> None:
        self.answers = answers
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer._serve(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self._lock:
            self.asked.append(body)
            self.headers.append({name.lower(): value for name, value in handler.headers.items()})
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            assert handler.path == "/v1/chat/completions"
            answer = self.answers(body["messages"])
            raw = answer if isinstance(answer, Raw) else Raw(body=completion(answer))
            if raw.hang_s:
                self._closing.wait(raw.hang_s)
        finally:
            with self._lock:
                self.at_once -= 1
        if raw.drop or self._closing.is_set():
            handler.close_connection = True
            return
        data = raw.body.encode()
        handler.send_response(raw.status)
        for name, value in raw.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)


@contextmanager
def serving(answers: Callable[[list[dict[str, Any]]], Answer]):
    server = JudgeServer(answers)
    try:
        yield server
    finally:
        server.close()


def completion(text: str | None, finish_reason: str = "stop") -> str:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    return json.dumps({"object": "chat.completion", "choices": [choice], "usage": {"total_tokens": 100}})


def in_turn(*answers: Answer) -> Callable[[Any], Answer]:
    """One after the other, the last for ever."""
    left, lock = list(answers), threading.Lock()

    def next_one(_: Any) -> Answer:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return next_one


def shown(messages: list[dict[str, Any]]) -> dict[str, str]:
    """What a reader finds who keeps to the rules of the system's message: the texts between marks with its number."""
    assert [message["role"] for message in messages[:2]] == ["system", "user"]
    number = re.search(r"<<<name ([0-9a-f]{16})>>>", messages[0]["content"])[1]
    content = messages[1]["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    found = re.findall(
        rf"^<<<((?:(?!end of )[a-zA-Z ])+) {number}>>>\n(.*?)\n<<<end of \1 {number}>>>$", text, re.M | re.S
    )
    assert len(found) == len(dict(found))
    return dict(found)


def pairwise(rule: Callable[[str, str], int]) -> Callable[[list[dict[str, Any]]], str]:
    """Answers comparisons by a rule: ``rule(first, second)`` from 2 to -2."""
    words = {2: "A>>B", 1: "A>B", 0: "A=B", -1: "B>A", -2: "B>>A"}

    def answer(messages: list[dict[str, Any]]) -> str:
        texts = shown(messages)
        return f'Thinking...\n{{"verdict": "{words[rule(texts["response A"], texts["response B"])]}"}}'

    return answer


def wait_until(true: Callable[[], bool], limit_s: float = 10.0) -> None:
    until = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < until
        time.sleep(0.005)
