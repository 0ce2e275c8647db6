"""Can the text be read? Contrast, legibility, and how much there is to read at all."""

import numpy as np

from rewards.frontend.looks.scene import REPLACED, Cost, Rect, Scene, rect_of

INACTIVE = 1.5
"""Contrast that the text of a disabled control needs. WCAG asks for none; it must still be seen to be there."""

LARGE, LARGE_BOLD = 24.0, 18.66
"""Text from this size on needs a contrast of 3, other text one of 4.5 (WCAG 2.2, 1.4.3); bold text is large
earlier."""


def contrast_cost(scene: Scene) -> Cost:
    """WCAG contrast, weighted by the room that text takes; also text that something covers, or that has the ground's
    colour.

    Beyond what WCAG asks a gentle slope goes on to 7 (4.5 for large text), so that fainter text never costs nothing.
    """
    cost = Cost()
    lines = scene.read + scene.below
    if not lines:
        return cost
    weights, shortfalls, gentle = [], [], []
    for read in lines:
        box = scene.boxes[read.line.box]
        large = box.size >= LARGE or (box.size >= LARGE_BOLD and box.weight >= 600)
        need, comfort = (INACTIVE, INACTIVE) if box.inactive else (3.0, 4.5) if large else (4.5, 7.0)
        ratio = read.contrast if read.seen else 1.0
        weights.append(np.sqrt(read.line.w * read.line.h))
        shortfalls.append(min(max((need - ratio) / (need - 1), 0.0), 1.0))
        gentle.append(
            min(max((comfort - ratio) / (comfort - 1), 0.0), 1.0)
            + (0.0 if box.inactive else 0.15 * (1 - np.log(max(ratio, 1.0)) / np.log(21)))
        )
    share = np.array(weights) / np.sum(weights)
    short = np.array(shortfalls)
    # A small shortfall is a fault already; the exponent makes it one.
    worst = short**0.85
    for index in np.argsort(share * worst)[::-1][:3]:
        read = lines[index]
        if worst[index] > 0:
            part = 1.7 * float(share[index] * worst[index])
            what = f"contrast {read.contrast:.1f}" if read.seen else "covered, or in the colour of its ground"
            cost.add(part, f"text “{read.line.text[:40]}” is hard to see: {what}", scene.view, rect_of(read.line))
    rest = 1.7 * float(share @ worst) - cost.amount
    cost.add(max(rest, 0.0), "more text with too little contrast", scene.view)
    cost.add(0.35 * float(share @ np.array(gentle)), "text fainter than is comfortable", scene.view)
    return cost


def legibility_cost(scene: Scene) -> Cost:
    """Size of text, height of lines, length of lines; weighted by characters.

    Running text is comfortable from 16 px on, other text tolerable from 12 px; lines of 45 to 80 characters, a line
    height of 1.3 to 1.8 (Bringhurst; WCAG 2.2, 1.4.8 and 1.4.12).
    """
    cost = Cost()
    lines = scene.lines
    if not lines:
        return cost
    view = scene.view
    chars = np.array([line.chars for line in lines]) ** 0.75
    sizes = np.array([scene.boxes[line.box].size for line in lines])
    share = chars / chars.sum()
    tiny = np.clip((12.0 - sizes) / 5.0, 0, 1)
    small = np.clip((16.0 - sizes) / 4.0, 0, 1)
    where = int(np.argmax(tiny * share))
    too_small = f"text of {sizes[where]:.0f} px is too small"
    cost.add(2.5 * float(share @ np.sqrt(tiny)), too_small, view, rect_of(lines[where]))
    cost.add(0.18 * float(share @ small), "text smaller than 16 px", view)
    # The typical size of all that is read, on a slope without end: larger text is read sooner.
    typical = float(np.exp(share @ np.log(np.maximum(sizes, 1))))
    cost.add(0.25 * max(0.0, np.log(18 / max(typical, 1))), f"text is small on the whole, {typical:.0f} px", view)
    cost.add(1.2 * max(0.0, np.log(max(typical, 1) / 30)), "text is far too large on the whole", view)

    by_block: dict[int, list[int]] = {}
    for index, line in enumerate(lines):
        by_block.setdefault(line.block, []).append(index)
    long_cost = tight_cost = total = 0.0
    longest: tuple[float, Rect | None] = (0.0, None)
    for block, members in by_block.items():
        rows: dict[int, float] = {}
        for index in members:
            row = round((lines[index].y + lines[index].h / 2) / max(4.0, sizes[index] * 0.7))
            rows[row] = rows.get(row, 0.0) + lines[index].chars
        weight = sum(rows.values())
        total += weight
        most = max(rows.values())
        over = min(max((most - 85) / 60, 0.0), 1.5)
        long_cost += weight * over
        if over * weight > longest[0]:
            longest = (over * weight, rect_of(lines[members[0]]))
        if len(rows) > 1:
            box = scene.boxes[block]
            ratio = box.line_height / box.size if box.line_height and box.size else 1.17
            heading = box.size >= 24
            low, high = (0.98, 1.6) if heading else (1.3, 1.9)
            tight_cost += weight * min(max((low - ratio) / 0.3, 0.0) + max((ratio - high) / 0.5, 0.0), 1.5)
    cost.add(0.7 * long_cost / total, "lines are too long to follow", view, longest[1])
    cost.add(0.5 * tight_cost / total, "lines stand too close together or too far apart", view)
    return cost


SMALLEST, READABLE = 5.0, 9.0
"""Sizes (px) of text that counts as nothing, and from which on it counts as something to read."""

IDEOGRAPH = 2.5
"""Characters of an alphabet that say as much as one of Chinese, Japanese or Korean writing."""


def meaning(text: str, chars: float) -> float:
    """How much ``chars`` characters of a text say, in characters of an alphabet."""
    dense = sum("\u3040" <= each <= "\u9fff" or "\uac00" <= each <= "\ud7af" for each in text)
    return chars * (1 + (IDEOGRAPH - 1) * dense / max(1, len(text)))


def content_evidence(scene: Scene) -> tuple[float, Cost]:
    """(evidence, cost): how much a visitor really sees, 0 to 1, and the cost of what is there but cannot be seen.

    Only text counts whose ink is in the picture; from `READABLE` px on whole, less below, none at `SMALLEST`.
    Controls and pictures count for some characters each, pictures only beside text: one picture is not a page.
    """
    cost = Cost()
    seen = unseen = 0.0
    counted: dict[str, int] = {}
    for read in scene.read:
        large = min(max((scene.boxes[read.line.box].size - SMALLEST) / (READABLE - SMALLEST), 0.0), 1.0)
        if read.seen and large > 0 and read.contrast >= 1.3:
            # The same words again and again are not more to read.
            times = counted[read.line.text] = counted.get(read.line.text, 0) + 1
            seen += large * meaning(read.line.text, read.line.chars) / max(1, times - 2)
            unseen += (1 - large) * read.line.chars
        else:
            unseen += read.line.chars
    inside = {id(read.line) for read in scene.read}
    height = scene.view.page_height
    for line in scene.view.lines:
        off = line.x + line.w <= 0 or line.y + line.h <= 0 or line.x >= max(scene.view.page_width, scene.view.width)
        if id(line) not in inside and (off or (line.left < 0.5 and line.y < height and line.chars > 60)):
            unseen += line.chars
    fields = sum(1 for box in scene.boxes if box.shown and box.control and box.w * box.h > 100)
    pictures = sum(1 for box in scene.boxes if box.shown and box.tag in REPLACED and box.w * box.h > 400)
    amount = seen + 12 * min(fields, 20) + min(30 * min(pictures, 5), seen)
    evidence = float(1 - np.exp(-amount / 60))
    hidden = unseen / (seen + unseen) if seen + unseen else 0.0
    cost.add(2.0 * max(0.0, hidden - 0.08), f"{hidden:.0%} of the text cannot be seen", scene.view)
    if evidence < 0.9:
        cost.add(-float(np.log(max(evidence, 0.01))), "there is hardly anything on the page", scene.view)
    return evidence, cost
