"""Captures made by hand: rectangles painted into a picture, with the boxes and lines that a browser would report."""

import io
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from rewards.frontend.capture import Box, Capture, TextLine, View

WHITE = (255.0, 255.0, 255.0, 1.0)
BLACK = (0.0, 0.0, 0.0, 1.0)
CLEAR = (0.0, 0.0, 0.0, 0.0)


class Drawing:
    """A page under construction. Text is painted as stripes of full ink, so that its contrast is exact."""

    def __init__(self, width: int = 1280, height: int = 800, ground: tuple[float, ...] = WHITE) -> None:
        self.width, self.height, self.ground = width, height, ground
        self.picture = np.full((height, width, 3), ground[:3], dtype=np.uint8)
        self.boxes: list[Box] = []
        self.lines: list[TextLine] = []
        self.box(0, 0, width, height, parent=-1, tag="body", background=ground)

    def box(self, x: float, y: float, w: float, h: float, *, parent: int = 0, tag: str = "div", **changes: Any) -> int:
        """Adds a box, and paints its ground if it has one; returns its place."""
        inherited = self.boxes[parent] if parent >= 0 else None
        plain = Box(
            parent=parent, tag=tag, kind=tag, x=x, y=y, w=w, h=h, visible=(x, y, w, h), display="block",
            position="static", overflow="visible", opacity=1.0, colour=inherited.colour if inherited else BLACK,
            background=CLEAR, image="", border=0.0, border_colour=BLACK, border_style="none", radius=0.0, shadow="",
            family="Inter, sans-serif", size=16.0, weight=400, line_height=24.0, align="start", decoration="none",
            spacing=0.0, margin=(0.0,) * 4, padding=(0.0,) * 4, gap=(0.0, 0.0), inner=(w, w, h, h), fixed=False,
            control=False, label="",
        )  # fmt: skip
        self.boxes.append(replace(plain, **changes))
        ground = self.boxes[-1].background
        if ground[3] == 1:
            self.paint(x, y, w, h, ground)
        return len(self.boxes) - 1

    def paint(self, x: float, y: float, w: float, h: float, colour: tuple[float, ...]) -> None:
        top, left = max(0, round(y)), max(0, round(x))
        self.picture[top : max(0, round(y + h)), left : max(0, round(x + w))] = colour[:3]

    def text(
        self,
        box: int,
        words: str,
        *,
        x: float | None = None,
        y: float | None = None,
        ink: bool = True,
        left: float = 1.0,
    ) -> TextLine:
        """Adds one line of text at the top left of `box` (or at x, y), as wide as its characters."""
        owner = self.boxes[box]
        x, y = owner.x if x is None else x, owner.y if y is None else y
        width, height = len(words) * owner.size / 2, owner.size * 1.2
        line = TextLine(box, box, x, y, width, height, float(len(words)), left, words)
        self.lines.append(line)
        if ink:
            for stroke in range(int(width / 8)):  # stems of 2 px, with the ground between them and round the line
                self.paint(x + 8 * stroke + 3, y + height * 0.25, 2, height * 0.5, owner.colour)
        return line

    def paragraph(self, text: str, x: float, y: float, **changes: Any) -> int:
        """A box of one line with its text."""
        size = changes.get("size", 16.0)
        place = self.box(x, y, max(len(text) * size / 2, 1), size * 1.5, tag=changes.pop("tag", "p"), **changes)
        self.text(place, text, y=y + size * 0.15)
        return place

    def view(self, **changes: Any) -> View:
        data = io.BytesIO()
        Image.fromarray(self.picture).save(data, "PNG")
        view = View(
            width=self.width, height=self.height, page_width=self.width, page_height=self.height, png=data.getvalue(),
            boxes=tuple(self.boxes), lines=tuple(self.lines), hidden_chars=0, canvas=WHITE,
        )  # fmt: skip
        return replace(view, **changes)

    def capture(self) -> Capture:
        return Capture((self.view(),))
