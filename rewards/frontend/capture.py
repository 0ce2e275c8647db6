"""What a browser saw of a page: the picture, the boxes and the lines of text, at each width.

This is the border between the browser and the metrics. The browser fills a `Capture` (`collect.js` is run inside the
page, in a world of its own, and `View.from_page` takes its answer); everything after that is arithmetic on these
records and needs neither a browser nor the page's source.

All lengths are CSS pixels of the whole page, with the origin at its top left corner and at a device scale of 1, so
that a box's numbers index the picture directly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rewards.frontend.scripts import script

WIDTHS = (1280, 390)
"""Widths of the two viewports: a laptop's and a telephone's."""

HEIGHTS = {1280: 800, 390: 844}
"""Height of the window at each width."""

PICTURE_HEIGHT = 2400
"""A picture begins at the top of the page and ends here at the latest; what is further down is not judged."""

Colour = tuple[float, float, float, float]
"""Red, green and blue in 0..255, opacity in 0..1."""


@dataclass(frozen=True, slots=True)
class Box:
    """An element that is laid out (`display` is not none), in document order.

    `parent` is the place of its parent in `View.boxes`, -1 for body. `kind` is tag and classes, by which elements
    are recognised as being of one sort. `visible` is (x, y, w, h) of what clipping ancestors leave of the box; w or h
    is 0 where nothing is left, and likewise where `visibility` or an opacity hides it. `opacity` multiplies those of
    all ancestors. `line_height` is 0 where it is `normal`. `margin` and `padding` go top, right, bottom, left.
    `radius` is the top left corner's. `border` is the width of the widest side. `inner` is (scrollWidth, clientWidth,
    scrollHeight, clientHeight).
    """

    parent: int
    tag: str
    kind: str
    x: float
    y: float
    w: float
    h: float
    visible: tuple[float, float, float, float]
    display: str
    position: str
    overflow: str
    opacity: float
    colour: Colour
    background: Colour
    image: str
    """"": no background image, "gradient" or "url"."""
    border: float
    border_colour: Colour
    border_style: str
    radius: float
    shadow: str
    family: str
    size: float
    weight: int
    line_height: float
    align: str
    decoration: str
    spacing: float
    """Letter spacing."""
    margin: tuple[float, float, float, float]
    padding: tuple[float, float, float, float]
    gap: tuple[float, float]
    inner: tuple[float, float, float, float]
    fixed: bool
    """Fixed or sticky, or inside such a box: it floats above others by design."""
    control: bool
    """Link, button, field or another element that takes input."""
    label: str
    """The text that names it to a reader: placeholder, value, alt or aria-label."""
    inactive: bool = False
    """A disabled control, or inside one."""

    @property
    def shown(self) -> bool:
        return self.visible[2] > 0 and self.visible[3] > 0


@dataclass(frozen=True, slots=True)
class TextLine:
    """A stretch of one text node on one line. `box` is the element around it, `block` the nearest box that breaks
    lines.

    `text` is the whole text of the node (shortened); `chars` estimates how many of its characters stand on this line;
    `left` is the share of the line that clipping boxes leave.
    """

    box: int
    block: int
    x: float
    y: float
    w: float
    h: float
    chars: float
    left: float
    text: str


@dataclass(frozen=True, slots=True)
class View:
    """The page at one width. `page_width` and `page_height` are those of the scrollable area; `png` begins at its
    top."""

    width: int
    height: int
    page_width: float
    page_height: float
    png: bytes
    boxes: tuple[Box, ...]
    lines: tuple[TextLine, ...]
    hidden_chars: int
    """Characters in elements that are not laid out at all."""
    canvas: Colour
    """What is painted behind everything."""
    left: int = 0
    """Characters of text, and elements, for which there were too many boxes."""

    @classmethod
    def from_page(cls, answer: Mapping[str, Any], png: bytes) -> "View":
        """The record of what `collect.js` returned, with the picture taken in the same state.

        Raises KeyError or TypeError where the answer is not one of `collect.js`.
        """
        return cls(
            width=int(answer["width"]),
            height=int(answer["height"]),
            page_width=float(answer["pageWidth"]),
            page_height=float(answer["pageHeight"]),
            png=png,
            boxes=tuple(Box(*(_frozen(value) for value in row)) for row in answer["boxes"]),
            lines=tuple(TextLine(*row) for row in answer["lines"]),
            hidden_chars=int(answer["hiddenChars"]),
            canvas=_frozen(answer["canvas"]),
            left=int(answer["left"]),
        )


@dataclass(frozen=True, slots=True)
class Capture:
    """A page at each width, widest first."""

    views: tuple[View, ...]

    def at(self, width: int) -> View | None:
        return next((view for view in self.views if view.width == width), None)


def collector() -> str:
    """Source of the function expression that the browser evaluates: `collector()()` in the page gives the answer, where
    dom.js was evaluated before."""
    return script("collect.js").strip().rstrip(";")


def standalone_collector() -> str:
    """As `collector`, for any world of any browser."""
    return f"(() => {{ {script('dom.js')}; return ({collector()})(); }})"


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
