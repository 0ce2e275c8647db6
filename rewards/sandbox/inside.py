"""What runs inside a sandbox, before and around a program that nobody has read.

Needs the standard library only, and is run as text (``python -c``): the sandbox holds no file of this package. The
other modules that a role needs come with its task, compiled.
"""

from __future__ import annotations

import base64
import builtins
import json
import marshal
import os
import sys

TYPE_CHECKING = False  # importing typing takes longer than all else here
if TYPE_CHECKING:
    from typing import Any

CHANNEL = 3
"""File descriptor of the socket to the outside, a JSON object a line."""


class Channel:
    """The socket to the outside."""

    def __init__(self) -> None:
        self._incoming = os.fdopen(os.dup(CHANNEL), "r", encoding="utf-8")
        self._outgoing = os.fdopen(os.dup(CHANNEL), "w", encoding="utf-8")

    def send(self, **message: Any) -> None:
        self._outgoing.write(json.dumps(message) + "\n")
        self._outgoing.flush()

    def receive(self) -> Any:
        line = self._incoming.readline()
        if not line:
            os._exit(0)
        return json.loads(line)


def report_faults(channel: Channel) -> None:
    """Tells the outside why, before the kernel ends the program for it: starting a process, opening a socket."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen"):
            fault = "started a process"
        elif event == "socket.__new__" and arguments[1] not in (1, -1):  # not AF_UNIX, of which asyncio needs a pair
            fault = "opened a socket"
        else:
            return
        channel.send(fault=fault)
        os._exit(1)

    sys.addaudithook(hook)


def describe(error: BaseException) -> dict[str, str]:
    """An exception for the outside. Its text may be anything, and costly to make."""
    try:
        text = str(error)[:500]
    except BaseException:
        text = ""
    return {"type": type(error).__name__[:100], "text": text}


def run_script(channel: Channel, source: str) -> None:
    """As ``python program.py``: the program reads stdin and prints."""
    names = {"__name__": "__main__", "__builtins__": builtins}
    try:
        exec(compile(source, "program.py", "exec", dont_inherit=True), names)
    except SystemExit as leaving:
        code = leaving.code
        if code not in (None, 0):
            channel.send(raised={"type": "SystemExit", "text": str(code)[:500]})
            return
    except BaseException as error:
        channel.send(raised=describe(error))
        return
    sys.stdout.flush()
    channel.send(finished=True)


def load(modules: dict[str, str]) -> None:
    """Makes modules of compiled code, so that they find each other, and this one, by their names."""
    sys.modules["rewards.sandbox.inside"] = sys.modules["__main__"]
    for name, code in modules.items():
        module = sys.modules[name] = type(sys)(name)
        exec(marshal.loads(base64.b64decode(code)), module.__dict__)


def main() -> None:
    channel = Channel()
    task = channel.receive()
    sys.path[:] = [each for each in sys.path if each] + task["python_path"]
    for name in ("exit", "quit"):  # which the module site would have made
        setattr(builtins, name, sys.exit)
    load(task["modules"])
    report_faults(channel)
    if task["role"] == "script":
        run_script(channel, task["source"])
    else:
        sys.modules[f"rewards.sandbox.{task['role']}"].run(channel, task)
    os._exit(0)


if __name__ == "__main__":
    main()
