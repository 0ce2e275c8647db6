"""What a run shows: a live panel in a terminal, one line a step everywhere else."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

# Label, metric, format. A stage shows those that it has.
SHOWN = (
    ("reward", "reward/mean", "{:.3f}"),
    ("held-out accuracy", "eval/accuracy", "{:.1%}"),
    ("response tokens", "response/tokens", "{:.1f}"),
    ("clip fraction", "policy/clip_fraction", "{:.2%}"),
    ("KL", "policy/kl", "{:.4f}"),
    ("entropy", "policy/entropy", "{:.3f}"),
    ("loss", "policy/loss", "{:.4f}"),
    ("tokens/s", "rate/tokens_per_s", "{:,.0f}"),
)
PHASES = (("rollout", "cyan"), ("reward", "yellow"), ("learn", "magenta"), ("transfer", "green"), ("eval", "blue"))
_RECENT_STEPS = 20


class Progress:
    """The display of a run, as a context manager.

    ``stages`` are (name, steps). ``plain`` None: live if stdout is a terminal and ``CI`` is not set. Only ``update``,
    ``stage`` and ``note`` from the run's own thread; text that others print (Ray's worker logs, warnings) appears above
    the panel.
    """

    def __init__(
        self, stages: Sequence[tuple[str, int]], plain: bool | None = None, console: Console | None = None
    ) -> None:
        self._totals = dict(stages)
        self._console = console or Console()
        ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
        self.plain = (ci or not self._console.is_terminal) if plain is None else plain
        self._live: Live | None = None
        self._stage: str | None = stages[0][0] if stages else None
        self._step = 0
        self._latest: dict[str, float] = {}
        self._first: dict[str, float] = {}
        self._durations: deque[float] = deque(maxlen=_RECENT_STEPS)
        self._phases: deque[dict[str, float]] = deque(maxlen=_RECENT_STEPS)
        self._last_update = time.monotonic()
        self._lock = threading.Lock()  # the panel is drawn by a thread of Live's

    def __enter__(self) -> Progress:
        self._last_update = time.monotonic()
        if not self.plain:
            # Live redirects stdout and stderr, so that what others print scrolls by above the panel.
            self._live = Live(console=self._console, refresh_per_second=2, get_renderable=self._locked_panel)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def stage(self, name: str, step: int = 0) -> None:
        """The run has come to a stage, and done ``step`` of its steps already (after a resume)."""
        with self._lock:
            self._stage, self._step = name, step
            self._durations.clear()
            self._phases.clear()
            self._first = {}
            # Accuracy is the model's and stays; the rest belonged to the old stage.
            self._latest = {name: value for name, value in self._latest.items() if name.startswith("eval/")}
            self._last_update = time.monotonic()
        if self.plain:
            self._say(f"stage {name}: {self._totals.get(name, '?')} steps")

    def update(self, step: int, metrics: Mapping[str, Any]) -> None:
        """A step is done; ``step`` counts within the stage, from 1 (0: an evaluation before the first)."""
        numbers = {name: float(value) for name, value in metrics.items() if value is not None}
        with self._lock:
            now = time.monotonic()
            if step > self._step:
                self._durations.append((now - self._last_update) / (step - self._step))
                self._phases.append({name: metrics.get(f"time/{name}") or 0.0 for name, _ in PHASES})
            self._last_update, self._step = now, step
            self._latest.update(numbers)
            for name, value in numbers.items():
                self._first.setdefault(name, value)
        if self.plain:
            self._say(self._line(numbers))

    def note(self, text: str) -> None:
        """A line for the user, above the panel."""
        self._say(text)

    def finish(self, lines: Sequence[tuple[str, str]] | Sequence[str], title: str = "done") -> None:
        """Take the live panel down and say where everything is: (label, value) pairs, or plain lines."""
        self.__exit__(None, None, None)
        pairs = [line if isinstance(line, tuple) else ("", line) for line in lines]
        if self.plain:
            for label, value in pairs:
                self._say(f"{label}: {value}" if label else value)
            return
        table = Table.grid(padding=(0, 2))
        for label, value in pairs:
            table.add_row(Text(label, style="bold"), Text(value, overflow="fold"))
        self._console.print(Panel(table, title=title, title_align="left", border_style="green"))

    def seconds_left(self) -> float | None:
        """Of this stage, from the median of its last steps; None before the first."""
        total = self._totals.get(self._stage or "", 0)
        if not self._durations or not total:
            return None
        typical = sorted(self._durations)[len(self._durations) // 2]
        return max(0, total - self._step) * typical

    def shares(self) -> dict[str, float]:
        """Which part of the last steps' time went where; what is in no phase is ``other``."""
        spent = {name: sum(step[name] for step in self._phases) for name, _ in PHASES}
        whole = max(sum(self._durations), sum(spent.values()))
        if whole <= 0:
            return {}
        shares = {name: seconds / whole for name, seconds in spent.items() if seconds > 0}
        return shares | {"other": max(0.0, 1 - sum(shares.values()))}

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _line(self, numbers: Mapping[str, float]) -> str:
        parts = [f"{self._stage} {self._step}/{self._totals.get(self._stage or '', '?')}"]
        parts += [f"{label} {form.format(numbers[key])}" for label, key, form in SHOWN if key in numbers]
        times = [f"{name} {numbers[f'time/{name}']:.1f}s" for name, _ in PHASES if numbers.get(f"time/{name}")]
        left = self.seconds_left()
        return " | ".join(parts + [" ".join(times)] * bool(times) + ([f"left {_clock(left)}"] if left else []))

    def _locked_panel(self) -> RenderableType:
        with self._lock:
            return self._panel()

    def _panel(self) -> RenderableType:
        names = list(self._totals)
        number = names.index(self._stage) + 1 if self._stage in names else 0
        total = self._totals.get(self._stage or "", 0)
        left = self.seconds_left()
        head = Table.grid(expand=True, padding=(0, 1))
        for ratio in (None, 1, None):
            head.add_column(ratio=ratio)
        waiting = f" · this step {_clock(time.monotonic() - self._last_update)}"
        head.add_row(
            Text(f"stage {number}/{len(names)} {self._stage}", style="bold"),
            ProgressBar(total=max(total, 1), completed=min(self._step, total)),
            Text(f"{self._step}/{total} · {'left ' + _clock(left) if left is not None else 'starting'}{waiting}"),
        )
        return Panel(
            Group(head, self._numbers(), self._time_bar()), title="lpo", title_align="left", border_style="cyan"
        )

    def _numbers(self) -> RenderableType:
        table = Table.grid(expand=True, padding=(0, 2))
        cells = []
        for label, key, form in SHOWN:
            if key not in self._latest:
                continue
            text = Text.assemble((f"{label} ", "dim"), (form.format(self._latest[key]), "bold"))
            low, high = self._latest.get(f"{key}_low"), self._latest.get(f"{key}_high")
            if low is not None and high is not None:
                text.append(f" ({form.format(low)} to {form.format(high)})", style="dim")
            elif key in self._first and self._first[key] != self._latest[key]:
                text.append(f" from {form.format(self._first[key])}", style="dim")
            cells.append(text)
        for _ in range(2):
            table.add_column(ratio=1)
        for left, right in zip(cells[::2], [*cells[1::2], Text()], strict=False):
            table.add_row(left, right)
        return table if cells else Text("the first step is on its way", style="dim")

    def _time_bar(self) -> RenderableType:
        shares = self.shares()
        if not shares:
            return Text()
        styles = dict(PHASES)
        width = max(10, min(60, self._console.width - 8))
        bar, legend = Text("time "), Text("     ")
        for name, share in shares.items():
            style = styles.get(name, "bright_black")
            bar.append("█" * round(share * width), style=style)
            legend.append(f"{name} {share:.0%}  ", style=style)
        return Group(bar, legend)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
