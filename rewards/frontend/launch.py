"""Starts the headless shell: which program, in which cage, with which fonts, and how it is ended."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lpo.errors import InputError
from rewards.frontend.devtools import BrowserGoneError, Pipe, UnansweredError

Isolation = Literal["namespace", "best_effort"]

PROGRAMS = ("chromium-headless-shell", "chrome-headless-shell", "headless_shell")
PROGRAM_VARIABLE = "LPO_BROWSER"
"""Environment variable that names the program where it is not on the PATH."""

LEAKS = (
    "requests of pages are refused by interception, which sees no WebRTC (STUN), preconnect or DNS prefetch",
    "pages could reach services on this machine through those channels",
)
"""What ``isolation: best_effort`` cannot keep in where there is no network namespace."""

FONT_FOLDERS = (
    "/usr/share/fonts/truetype/liberation",
    "/usr/share/fonts/opentype/inter",
    "/usr/share/fonts/truetype/inter",
    "/usr/share/fonts/truetype/noto",
    "/usr/share/fonts/truetype/dejavu",
    "/usr/share/fonts/truetype/droid",
)
"""Folders of Debian's font packages. No other font of the machine is seen, so that text is as wide everywhere."""

MEMORY_LIMIT = 1_500_000_000
"""Resident bytes of all processes of one browser; more and it is ended."""

_FLAGS = (
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-client-side-phishing-detection",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--disable-lcd-text",
    "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-hang-monitor",
    "--disable-site-isolation-trials",
    "--disable-features=IsolateSandboxedIframes,Translate,MediaRouter,OptimizationHints,PaintHolding",
    "--block-new-web-contents",
    "--disable-blink-features=AutomationControlled",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
    "--js-flags=--max-old-space-size=256",
    "--lang=en-US",
    "--metrics-recording-only",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
    "--disk-cache-size=1",
)


class NoBrowserError(InputError):
    """No browser can be started here as asked. Says why, and what to do."""


def program() -> str:
    """Path of the headless shell. Raises NoBrowserError."""
    named = os.environ.get(PROGRAM_VARIABLE)
    found = next(filter(None, (shutil.which(name) for name in ([named] if named else PROGRAMS))), None)
    if found is None:
        where = (
            f"{PROGRAM_VARIABLE}={named} does not exist" if named else f"none of {', '.join(PROGRAMS)} is on the PATH"
        )
        raise NoBrowserError(
            f"the front-end reward needs Chromium's headless shell, and {where}; `make browser` installs it "
            f"(apt-get install chromium-headless-shell), or set {PROGRAM_VARIABLE} to its path"
        )
    return found


@functools.lru_cache(maxsize=1)
def cage() -> tuple[str, ...] | None:
    """The command that puts a program into namespaces of its own (network, processes); None where there is none.

    As root, the browser runs as another user, because Chromium's own sandbox does not start for root.
    """
    if not shutil.which("unshare"):
        return None
    ways: list[tuple[str, ...]] = []
    namespaces = ("--net", "--pid", "--fork", "--kill-child", "--mount-proc")
    if os.geteuid() == 0:
        drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs", "--")
        ways += [("unshare", *namespaces, "--", *drop), ("unshare", "--net", "--", *drop)]
    else:
        ways += [("unshare", "--map-current-user", *namespaces, "--"), ("unshare", "--map-current-user", "--net", "--")]
    for way in ways:
        # The namespace must be new and have no interface that is up.
        probe = [*way, "sh", "-c", "! grep -qE '^ *[a-z0-9]+:.*[1-9]' /proc/net/dev"]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            done = subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
            if done.returncode == 0:
                return way
    return None


@dataclass
class Process:
    """A running headless shell. ``pipe`` speaks to it."""

    process: subprocess.Popen[bytes]
    pipe: Pipe
    folder: Path
    isolated: bool

    def pids(self) -> list[int]:
        """Of the browser and its children."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    todo += [int(child) for child in (task / "children").read_text().split()]
        return found

    def memory(self) -> int:
        """Resident bytes, without what the processes share."""
        total = 0
        page = os.sysconf("SC_PAGE_SIZE")
        for pid in self.pids():
            with contextlib.suppress(OSError, IndexError):
                resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[1:3]
                total += (int(resident) - int(shared)) * page
        return total

    def cpu_s(self) -> float:
        """Processor time used so far by the processes that are there."""
        ticks = 0
        for pid in self.pids():
            with contextlib.suppress(OSError, IndexError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def threads(self) -> dict[str, tuple[float, float, bool]]:
        """For each thread of the browser: seconds that it ran, seconds that it waited for a processor
        before it last ran, and whether it would run now."""
        seen: dict[str, tuple[float, float, bool]] = {}
        folders = [each for pid in self.pids() for each in glob.glob(f"/proc/{pid}/task/*")]
        for folder in folders:
            with contextlib.suppress(OSError, IndexError, ValueError):
                ran, waited = Path(f"{folder}/schedstat").read_text().split()[:2]
                state = Path(f"{folder}/stat").read_text().rpartition(")")[2].split()[0]
                seen[folder] = (int(ran) / 1e9, int(waited) / 1e9, state == "R")
        return seen

    def kill(self) -> None:
        """Ends the browser with all its processes and removes its folder."""
        pids = self.pids()
        # Children first: the caging program reaps the first process of its namespace, which takes all others along.
        for pid in pids[1:]:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.pipe.close()
        give_up = time.monotonic() + 2
        while time.monotonic() < give_up and any(_alive(pid) for pid in pids):
            time.sleep(0.01)
        shutil.rmtree(self.folder, ignore_errors=True)


def start(isolation: Isolation = "namespace", deadline_s: float = 20.0) -> Process:
    """A new headless shell, ready for commands. Raises NoBrowserError, or BrowserGoneError where it does not answer."""
    way = cage()
    if way is None and isolation == "namespace":
        raise NoBrowserError(
            "the front-end reward runs pages that a model wrote in a network namespace, and this machine gives none "
            "(unshare --net fails; containers need CAP_SYS_ADMIN or user namespaces). Set isolation: best_effort to "
            f"run without. Then: {'; '.join(LEAKS)}"
        )
    folder = Path(tempfile.mkdtemp(prefix="lpo-browser-"))
    folder.chmod(0o777)
    root = os.geteuid() == 0
    if root:
        # The browser is another user, and must be let through to its folder.
        folder.parent.chmod(folder.parent.stat().st_mode | 0o011)
    flags = [*_FLAGS, f"--user-data-dir={folder}/profile"]
    if way is None and root:
        flags.append("--no-sandbox")
    to_browser_read, to_browser_write = _pipe()
    from_browser_read, from_browser_write = _pipe()
    # The shell puts the pipe's ends at 3 and 4, where Chromium looks for them.
    shell = f'exec "$@" 3<&{to_browser_read} 4>&{from_browser_write} {to_browser_read}<&- {from_browser_write}>&-'
    command = [*(way or ()), "bash", "-c", shell, "browser", program(), *flags]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(to_browser_read, from_browser_write),
        start_new_session=True,
        cwd="/",
        env=_environment(folder),
    )
    os.close(to_browser_read)
    os.close(from_browser_write)
    pipe = Pipe(from_browser_read, to_browser_write, lambda: None)
    started = Process(process, pipe, folder, way is not None)
    try:
        pipe.call("Browser.getVersion", deadline=time.monotonic() + deadline_s)
    except (UnansweredError, BrowserGoneError) as cause:
        code = process.poll()
        started.kill()
        raise BrowserGoneError(f"the headless shell does not answer (exit code {code})") from cause
    return started


def _pipe() -> tuple[int, int]:
    """Both ends with numbers that the shell below does not take for itself."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]


def _environment(folder: Path) -> dict[str, str]:
    folders = "".join(f"<dir>{each}</dir>" for each in FONT_FOLDERS if Path(each).is_dir())
    aliases = "".join(
        f"<alias binding='same'><family>{family}</family><prefer>{''.join(f'<family>{p}</family>' for p in preferred)}"
        "</prefer></alias>"
        for family, preferred in (
            ("system-ui", ("Inter", "Liberation Sans")),
            ("Segoe UI", ("Inter", "Liberation Sans")),
            ("Roboto", ("Inter", "Liberation Sans")),
            ("sans-serif", ("Liberation Sans", "DejaVu Sans")),
            ("serif", ("Liberation Serif", "DejaVu Serif")),
            ("monospace", ("Liberation Mono", "DejaVu Sans Mono")),
            ("Arial", ("Liberation Sans",)),
            ("Helvetica", ("Liberation Sans",)),
            ("Times New Roman", ("Liberation Serif",)),
            ("Courier New", ("Liberation Mono",)),
            ("emoji", ("Noto Color Emoji",)),
        )
    )
    config = folder / "fonts.conf"
    config.write_text(
        "<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'><fontconfig>"
        f"{folders}<cachedir>{folder}/fonts</cachedir>{aliases}</fontconfig>"
    )
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "FONTCONFIG_FILE": str(config),
        "TZ": "UTC",
        "LANG": "en_US.UTF-8",
        "CHROME_HEADLESS": "1",
    }


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def starving(
    before: dict[str, tuple[float, float, bool]], after: dict[str, tuple[float, float, bool]], spent: float
) -> bool:
    """Whether a thread was kept from running for a fifth of ``spent`` seconds between two calls of `Process.threads`.

    A wait is counted when it ends; so one that goes on is told by a thread that would run and did not.
    """
    for thread, (ran, waited, _) in before.items():
        if thread not in after:
            continue
        ran_after, waited_after, runnable = after[thread]
        if waited_after - waited > spent / 5 or (runnable and ran_after - ran < spent / 2):
            return True
    return False
