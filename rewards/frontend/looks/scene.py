"""A view made ready for arithmetic: the picture decoded, what can be seen of boxes and lines, and what stands behind
text."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from PIL import Image

from rewards.frontend.capture import Box, Colour, TextLine, View

Rect = tuple[float, float, float, float]
"""x, y, width, height in CSS pixels of the page."""

NEAR = 1.5
"""Edges this close (px) are the same edge: browsers round, and nobody sees it."""

CELL = 16
"""Side (px) of the cells in which space is told from content."""

_INLINE = ("inline", "contents")
REPLACED = frozenset({"img", "svg", "canvas", "video", "picture", "object", "iframe"})
FIELDS = frozenset({"input", "select", "textarea", "button", "progress", "meter"})


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that cost points: what, at which width of viewport (0: at none in particular), where, and how
    much."""

    text: str
    viewport: int
    box: Rect | None
    cost: float


@dataclass(slots=True)
class Cost:
    """What one metric takes away, and why. Costs add up; a cost of x leaves exp(-x) of the whole."""

    amount: float = 0.0
    reasons: list[Reason] = field(default_factory=list)

    def add(self, amount: float, text: str, view: View, box: Rect | None = None) -> None:
        """Adds `amount`; the reason is kept where somebody would notice it."""
        amount = float(amount)
        if amount > 0:
            self.amount += amount
            if amount >= 0.01:
                self.reasons.append(Reason(text, view.width, box, amount))


class Scene:
    """A `View` with what the metrics ask of it more than once."""

    def __init__(self, view: View) -> None:
        self.view = view
        with Image.open(io.BytesIO(view.png)) as picture:
            image = picture if picture.mode == "RGB" else picture.convert("RGB")
            self.pixels: np.ndarray = np.asarray(image)
            """(H, W, 3) uint8, red, green, blue."""
            width, height = (size // 4 * 4 for size in image.size)
            whole = (0, 0, width, height) if width and height else (0, 0, *image.size)
            self.small: np.ndarray = np.asarray(image.reduce(4, whole), dtype=np.float32)
            """(H / 4, W / 4, 3) float32: the picture at a quarter, each pixel the mean of sixteen."""
        self.boxes = view.boxes

    @cached_property
    def grey(self) -> np.ndarray:
        """(H / 4, W / 4) float32: the mean of the channels of `small`."""
        result: np.ndarray = self.small @ np.full(3, 1 / 3, dtype=np.float32)
        return result

    @cached_property
    def busy(self) -> np.ndarray:
        """(rows, columns) bool: cells of `CELL` px in which the picture is not flat."""
        side = CELL // 4
        height, width = (size // side * side for size in self.grey.shape)
        cells = self.grey[:height, :width].reshape(height // side, side, width // side, side)
        if not cells.size:
            return np.zeros((0, 0), dtype=bool)
        span: np.ndarray = cells.max(axis=1).max(axis=2) - cells.min(axis=1).min(axis=2)
        return span > 10

    @cached_property
    def lines(self) -> list[TextLine]:
        """Lines that are not hidden by a style and at least half inside page and clipping boxes."""
        return [
            line
            for line in self.view.lines
            if line.left >= 0.5
            and self.boxes[line.box].shown
            and self.boxes[line.box].opacity >= 0.05
            and line.x + line.w > 0
            and line.y + line.h > 0
        ]

    @cached_property
    def read(self) -> list["ReadLine"]:
        """The lines inside the picture, with their contrast; `seen` tells whether their ink is there."""
        height, width = self.pixels.shape[:2]
        return [
            read_line(self, line)
            for line in self.lines
            if line.y >= 0 and line.y + line.h <= height and line.x >= 0 and line.x < width - 2
        ]

    @cached_property
    def children(self) -> list[list[int]]:
        """For every box the places of its children that are shown, in document order."""
        result: list[list[int]] = [[] for _ in self.boxes]
        for place, box in enumerate(self.boxes):
            if box.parent >= 0 and box.shown and box.opacity >= 0.05:
                result[box.parent].append(place)
        return result

    @cached_property
    def has_content(self) -> np.ndarray:
        """(number of boxes,) bool: text, a picture, a field or a painted surface in it or below it."""
        own = np.zeros(len(self.boxes), dtype=bool)
        for line in self.lines:
            own[line.box] = True
        for place in range(len(self.boxes) - 1, -1, -1):
            box = self.boxes[place]
            if box.shown and (box.tag in REPLACED or box.tag in FIELDS or is_surface(box)):
                own[place] = True
            if own[place] and box.parent >= 0:
                own[box.parent] = True
        return own

    @cached_property
    def blocks(self) -> list[int]:
        """Places of the boxes with content that take part in the layout as boxes (inline ones are text)."""
        return [
            place
            for place, box in enumerate(self.boxes)
            if box.parent >= 0
            and box.shown
            and box.w >= 2
            and box.h >= 2
            and not is_inline(box)
            and self.has_content[place]
        ]

    @cached_property
    def block_set(self) -> frozenset[int]:
        return frozenset(self.blocks)

    @cached_property
    def leaves(self) -> list[int]:
        """Places of the smallest boxes of the layout: those with no box of the layout inside them."""
        inner = {self.boxes[place].parent for place in self.blocks}
        return [place for place in self.blocks if place not in inner and self.boxes[place].position != "fixed"]

    def ancestors(self, place: int) -> list[int]:
        result = []
        while (place := self.boxes[place].parent) >= 0:
            result.append(place)
        return result

    @cached_property
    def below(self) -> list["ReadLine"]:
        """The lines further down than the picture, judged by what they and the boxes round them declare."""
        height = self.pixels.shape[0]
        lines = [line for line in self.lines if line.y + line.h > height][:300]
        return [read for read in (self._declared(line) for line in lines) if read]

    def _declared(self, line: TextLine) -> "ReadLine | None":
        box = self.boxes[line.box]
        ground = np.array(self.view.canvas[:3])
        for place in (line.box, *self.ancestors(line.box)):
            around = self.boxes[place]
            if around.image:
                return None
            if around.background[3] > 0.9:
                ground = np.array(around.background[:3])
                break
        alpha = box.colour[3] * box.opacity
        colour = alpha * np.array(box.colour[:3]) + (1 - alpha) * ground
        ratio = float(contrast(relative_luminance(colour), relative_luminance(ground)))
        return ReadLine(line, ratio, ratio > 1.05, (float(ground[0]), float(ground[1]), float(ground[2])))


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line of text as it stands in the picture."""

    line: TextLine
    contrast: float
    """Contrast of the text against what is round it, 1 to 21 (WCAG 2.2)."""
    seen: bool
    ground: tuple[float, float, float]
    """The median colour round the line."""


def read_line(scene: Scene, line: TextLine) -> ReadLine:
    """The contrast of a line: its declared colour against the pixels round it and between its glyphs.

    Where the declared colour does not exist (text painted with a gradient), the pixels that differ most stand in for
    it. Of the contrasts with all pixels of the ground the 30th percentile is taken: text over a photograph is as good
    as its worse part, and a neighbour's descenders in the ring do no harm.
    """
    box = scene.boxes[line.box]
    height, width = scene.pixels.shape[:2]
    x0, x1 = int(max(line.x, 0)), int(min(np.ceil(line.x + line.w), width))
    # Line boxes of inline text are as high as the font; two pixels above and below are ground.
    y0, y1 = int(max(line.y, 0)), int(min(np.ceil(line.y + line.h), height))
    if x1 - x0 < 2 or y1 - y0 < 3:
        return ReadLine(line, 1.0, False, (255.0, 255.0, 255.0))
    step = max(1, (x1 - x0) // 60)
    rows = [row for row in (y0 - 2, y0, y1 - 1, y1 + 1) if 0 <= row < height]
    ring = scene.pixels[rows, x0:x1:step].reshape(-1, 3)
    sides = [column for column in (x0 - 3, x1 + 2) if 0 <= column < width]
    if sides:
        ring = np.concatenate([ring, scene.pixels[y0:y1:2, sides].reshape(-1, 3)])
    ground = np.sort(ring, axis=0)[len(ring) // 2].astype(np.float32)
    crop = scene.pixels[y0:y1, x0 : x1 : max(1, (x1 - x0) // 160)].reshape(-1, 3)
    away = crop - ground
    if box.colour[3] < 0.05:
        apart = np.abs(away).sum(axis=1)
        farthest = np.argsort(apart)[-max(1, len(apart) // 50) :]
        colour = np.median(crop[farthest], axis=0)
        seen = bool(apart.max() > 24)
    else:
        alpha = box.colour[3] * box.opacity
        colour = alpha * np.array(box.colour[:3], dtype=np.float32) + (1 - alpha) * ground
        towards = colour - ground
        length = float(towards @ towards)
        # A pixel is ink if it lies at least a third of the way from the ground to the text's colour, and near it.
        share = away @ towards / max(length, 1.0)
        aside = np.einsum("ij,ij->i", away, away) - share * share * length
        inked = (share > 0.33) & (aside < (0.35 * np.sqrt(length) + 30) ** 2)
        seen = length > 100 and float(np.count_nonzero(inked)) > 0.01 * len(crop)
    ratios = contrast(relative_luminance(colour), _LINEAR[ring] @ _WEIGHTS)
    worse = int(0.3 * (len(ratios) - 1))
    median = (float(ground[0]), float(ground[1]), float(ground[2]))
    return ReadLine(line, float(np.partition(ratios, worse)[worse]), seen, median)


def linear(channel: np.ndarray) -> np.ndarray:
    """An sRGB channel (0..255) as linear light (0..1)."""
    value = np.asarray(channel, dtype=np.float64) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


_LINEAR = linear(np.arange(256))
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def relative_luminance(colours: np.ndarray | Sequence[float]) -> np.ndarray:
    """Relative luminance of sRGB colours (..., 3) in 0..255, by WCAG 2.2: (...,) in 0..1."""
    result: np.ndarray = linear(np.asarray(colours)) @ _WEIGHTS
    return result


def contrast(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Contrast ratio of two relative luminances, 1 to 21 (WCAG 2.2)."""
    lighter, darker = np.maximum(one, other), np.minimum(one, other)
    result: np.ndarray = (lighter + 0.05) / (darker + 0.05)
    return result


def rect_of(piece: Box | TextLine) -> Rect:
    return piece.x, piece.y, piece.w, piece.h


def is_inline(box: Box) -> bool:
    return box.display in _INLINE and box.tag not in REPLACED and box.tag not in FIELDS


def is_surface(box: Box) -> bool:
    """Whether the box itself paints something: a ground, a picture, a border or a shadow."""
    return box.background[3] > 0.03 or bool(box.image) or box.border > 0 or bool(box.shadow)


def hue_saturation(colours: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hue (0..360), saturation and value (0..1) of colours (..., 3) in 0..255, as in HSV."""
    rgb = np.asarray(colours, dtype=np.float32) / 255
    top, bottom = rgb.max(axis=-1), rgb.min(axis=-1)
    span = top - bottom
    safe = np.where(span > 0, span, 1)
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    hue = np.where(top == r, (g - b) / safe % 6, np.where(top == g, (b - r) / safe + 2, (r - g) / safe + 4)) * 60
    return np.where(span > 0, hue, 0), np.where(top > 0, span / np.where(top > 0, top, 1), 0), top


def first_family(declared: str) -> str:
    """The name of the first family of a declaration, in lower case and without quotes."""
    return declared.split(",")[0].strip().strip("\"'").lower()


def opaque(colour: Colour) -> bool:
    return colour[3] > 0.5
