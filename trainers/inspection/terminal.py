"""Responses in the terminal: printed one after another, or paged through with keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from trainers.inspection.page import CLIP_MARKS, number, plain
from trainers.inspection.saved import SORT_KEYS, SavedResponse, SortKey, select
from trainers.inspection.visible import visible

_KEYS = "n/p response  N/P group  }/{ step  j/k scroll  s sort  c only clipped  w only wrong  r ratios  q quit"
_MOVES = {
    "n": "next", "\x1b[C": "next", " ": "next", "p": "previous", "\x1b[D": "previous",
    "N": "next group", "P": "previous group", "}": "next step", "{": "previous step",
    "j": "down", "\x1b[B": "down", "k": "up", "\x1b[A": "up",
}  # fmt: skip


def show(response: SavedResponse, *, numbers: bool = True) -> RenderableType:
    """One response with everything that was saved about it."""
    row = response.row
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    reward = "invalid" if response.reward is None else number(response.reward)
    facts.add_row("advantage", f"{response.advantage:+.3f}   reward {reward}")
    for name, value in (row["components"] or {}).items():
        facts.add_row(Text(visible(name)), "invalid" if value is None else number(value))
    if response.recorded:
        facts.add_row(
            "ratios",
            f"{response.clipped} of {response.segments} clipped ({row['grain']} grain), "
            f"farthest from 1: {number(response.farthest, 4)}   {_bounds(response)}",
        )
    else:
        facts.add_row("ratios", response.why_not_recorded.removeprefix("ratios "))
    made = f"{row['tokens']} tokens, ended by {row['finish_reason']}, weights {row['weight_version']}"
    facts.add_row("made", Text(visible(made)))
    for name, value in (row["notes"] or {}).items():
        facts.add_row(Text(visible(name)), Text(visible(plain(value))))
    title = f"{response.stage} step {response.step}, prompt {response.group + 1}, response {row['number'] + 1}"
    return Group(
        Text(visible(title), style="bold"),
        Text(visible(row["question"]), style="italic"),
        Text(),
        coloured(response, numbers=numbers),
        Text(),
        facts,
    )


def coloured(response: SavedResponse, *, numbers: bool = True) -> Text:
    """The response; each piece on the colour of its ratio (blue below 1, orange above), a mark where it was clipped."""
    text = Text()
    sentence = None
    for piece in response.pieces:
        if sentence not in (None, piece.sentence):
            text.append("│", style="dim")
        sentence = piece.sentence
        style = Style()
        if piece.ratio is not None:
            style = _background(response.bounds.strength(piece.ratio)) + Style(underline=bool(piece.clip))
        text.append(visible(piece.body), style=style)
        if piece.clip:
            text.append(CLIP_MARKS[piece.clip], style="bold")
        if numbers and piece.ratio is not None:
            text.append(f"[{piece.ratio:.3f}]", style="dim")
        text.append(visible(piece.tail))
    return text if response.pieces else Text("(empty)", style="dim")


def _background(strength: float) -> Style:
    """Black on the light end of either colour, so that it reads on dark and light terminals; none close to 1."""
    if abs(strength) < 0.02:
        return Style()
    full = (255, 150, 40) if strength > 0 else (80, 160, 255)
    mixed = [round(250 + (part - 250) * (0.15 + 0.85 * abs(strength))) for part in full]
    return Style.parse(f"black on rgb({mixed[0]},{mixed[1]},{mixed[2]})")


def _bounds(response: SavedResponse) -> str:
    bounds = response.bounds
    parts = [f"▼ {bounds.low:.3f}" if bounds.low else "", f"▲ {bounds.high:.3f}" if bounds.high else ""]
    parts += [f"◆ {bounds.dual:g}" if bounds.dual else "", "moving with entropy" if bounds.adaptive else ""]
    return " ".join(filter(None, parts))


@dataclass
class Pager:
    """Where one stands in the responses. ``press`` is the only thing that changes it."""

    responses: Sequence[SavedResponse]
    only_clipped: bool = False
    wrong: bool = False
    sort: SortKey = "order"
    numbers: bool = True
    index: int = 0
    scroll: int = 0
    done: bool = False

    def __post_init__(self) -> None:
        self._select(None)

    @property
    def current(self) -> SavedResponse | None:
        return self.shown[self.index] if self.shown else None

    def press(self, key: str) -> None:
        """Does what a key says; one without a meaning does nothing."""
        if key in ("q", "\x1b", "\x03", "\x04"):
            self.done = True
        elif key == "s":
            self.sort = SORT_KEYS[(SORT_KEYS.index(self.sort) + 1) % len(SORT_KEYS)]
            self._select(None)
        elif key == "c":
            self.only_clipped = not self.only_clipped
            self._select(self.current)
        elif key == "w":
            self.wrong = not self.wrong
            self._select(self.current)
        elif key == "r":
            self.numbers = not self.numbers
        elif key in _MOVES:
            self._move(_MOVES[key])

    def _select(self, keep: SavedResponse | None) -> None:
        self.shown = select(self.responses, only_clipped=self.only_clipped, wrong=self.wrong, sort=self.sort)
        self.index = next((i for i, each in enumerate(self.shown) if each is keep), 0)
        self.scroll = 0

    def _move(self, move: str) -> None:
        if move in ("up", "down"):
            self.scroll = max(0, self.scroll + (1 if move == "down" else -1))
            return
        direction = 1 if move.startswith("next") else -1
        target = self.index + direction
        if move.endswith(("group", "step")) and self.current is not None:
            here = _place(self.current, move)
            while 0 <= target < len(self.shown) and _place(self.shown[target], move) == here:
                target += direction
            while (
                direction < 0
                and target > 0
                and _place(self.shown[target - 1], move) == _place(self.shown[target], move)
            ):
                target -= 1  # back to where that group or step begins
        if 0 <= target < len(self.shown):
            self.index, self.scroll = target, 0


def _place(response: SavedResponse, move: str) -> tuple[object, ...]:
    place = (response.stage, response.step)
    return (*place, response.group) if move.endswith("group") else place


def page_through(pager: Pager, console: Console, read_key: Callable[[], str]) -> None:
    """The pager on a terminal's whole screen, until ``q``."""
    with console.screen(hide_cursor=True) as screen:
        while not pager.done:
            screen.update(_screen(pager, console))
            try:
                pager.press(read_key())
            except (KeyboardInterrupt, EOFError):
                return


def _screen(pager: Pager, console: Console) -> RenderableType:
    body = show(pager.current, numbers=pager.numbers) if pager.current else Text("No response matches: press c or w.")
    lines = console.render_lines(body, console.options.update(height=None), pad=False)
    room = max(1, console.height - 2)
    pager.scroll = min(pager.scroll, max(0, len(lines) - room))
    seen = Text("\n").join(
        Text.assemble(*((segment.text, segment.style or "") for segment in line if not segment.control))
        for line in lines[pager.scroll : pager.scroll + room]
    )
    filters = [f"sort: {pager.sort}", *(["only clipped"] * pager.only_clipped), *(["only wrong"] * pager.wrong)]
    below = f"  ↓ {len(lines) - pager.scroll - room} lines" if len(lines) > pager.scroll + room else ""
    place = f"{pager.index + 1 if pager.shown else 0} of {len(pager.shown)}"
    status = Text(f"{place}  {', '.join(filters)}{below}", style="reverse", no_wrap=True)
    return Group(status, Text(_KEYS, style="dim", no_wrap=True, overflow="ellipsis"), seen)
