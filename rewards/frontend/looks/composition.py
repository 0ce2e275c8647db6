"""The page as a whole: clutter, white space, balance, and whether the room is used as a layout uses it."""

import numpy as np

from rewards.frontend.looks.scene import FIELDS, REPLACED, Cost, Scene, is_inline, is_surface, rect_of


def clutter_cost(scene: Scene) -> Cost:
    """How much happens per screen: edges in the picture, pieces of layout, small pieces on surfaces of their own."""
    cost = Cost()
    view = scene.view
    small = scene.grey
    across = np.abs(np.diff(small, axis=1, append=small[:, -1:])) > 24
    down = np.abs(np.diff(small, axis=0, append=small[-1:])) > 24
    edges = float((across | down).mean())
    cost.add(1.2 * max(0.0, edges - 0.22) + 0.1 * edges, f"edges on {edges:.0%} of the picture", view)
    screens = max(1.0, min(view.page_height, 6000) / view.height) * (view.width / 1280) ** 0.5
    pieces = [
        box
        for box in scene.boxes
        if box.shown
        and is_surface(box)
        and box.w * box.h < 0.02 * 1280 * 800
        and box.w > 6
        and box.h > 4
        and box.tag not in REPLACED
    ]
    density = len(pieces) / screens
    cost.add(0.006 * max(0.0, density - 12) + 0.0015 * density, f"{density:.0f} small surfaces a screen", view)
    loose = sum(1 for b in pieces if b.position == "absolute" and b.tag not in FIELDS)
    cost.add(0.03 * min(loose, 20), f"{loose} pieces placed freely", view)
    loud = sum(1 for b in pieces if b.border >= 2)
    cost.add(0.015 * min(loud, 20), f"{loud} small frames", view)
    return cost


def space_cost(scene: Scene) -> Cost:
    """White space and balance. Flat cells of the picture are space; 35% to 92% is a band that costs nothing."""
    cost = Cost()
    view = scene.view
    busy = scene.busy
    if not busy.size:
        return cost
    flat = 1 - float(busy.mean())
    cost.add(1.2 * max(0.0, 0.35 - flat), f"only {flat:.0%} of the page is space", view)
    cost.add(4.0 * max(0.0, flat - 0.93), f"{flat:.0%} of the page is empty", view)
    if busy.any():
        columns = busy.sum(axis=0)
        middle = float((columns * (np.arange(len(columns)) + 0.5)).sum() / columns.sum() / len(columns))
        off = abs(middle - 0.5)
        cost.add(1.2 * max(0.0, off - 0.08), "the page leans to one side", view)
    return cost


def layout_cost(scene: Scene) -> Cost:
    """At the width of a laptop: text columns, controls and pictures keep sensible widths, the page has margins, and
    something stands side by side unless the page is one narrow column. A document without a layout fails in all of
    it.
    """
    cost = Cost()
    view = scene.view
    if not scene.lines:
        return cost
    alone = 1 - min(1.0, 1.6 * side_by_side(scene))
    if view.width < 700:
        cost.add(0.12 * alone, "everything stands under one another", view)
        return cost
    _add_stretched(cost, scene)
    controls = [
        box
        for box in scene.boxes
        if box.shown
        and box.tag in ("input", "select", "textarea", "button", "a")
        and not is_inline(box)
        and box.h < 90
        and box.fixed is False
    ]
    if controls:
        wide = sum(min(1.0, max(0.0, box.w / view.width - 0.5) / 0.25) for box in controls)
        cost.add(0.5 * wide / len(controls), "controls as wide as the page", view)
    busy = scene.busy
    rows = busy[busy.any(axis=1)]
    if len(rows) < 4:
        cost.add(0.4 * alone, "hardly anything stands beside something else", view)
        return cost
    # Each row of cells: how far its content reaches, and how many columns it falls into.
    first = rows.argmax(axis=1)
    last = rows.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)
    width = rows.shape[1]
    span = (last - first + 1) / width
    middle = (first + last + 1) / 2 / width
    lopsided = np.clip(np.abs(middle - 0.5) - 0.1, 0, None)
    cost.add(1.0 * float(lopsided.mean()), "the right half of the page is hardly used", view)
    margins = np.array([max(0.0, line.x) for line in scene.lines])
    chars = np.array([line.chars for line in scene.lines])
    close = float((chars * (margins < 40)).sum() / chars.sum())
    cost.add(0.5 * close, "text starts at the very left", view)
    gaps = np.array([_columns(row) for row in rows])
    single = float((gaps < 2).mean())
    narrow = float(np.median(span)) < 0.62 and float(np.median(np.abs(middle - 0.5))) < 0.08
    cost.add(0.4 * alone * (0.6 if narrow else 1.0), "hardly anything stands beside something else", view)
    cost.add(0.3 * single * (0.25 if narrow else 1.0), "nothing stands side by side", view)
    blocks = [scene.boxes[p] for p in scene.leaves if scene.boxes[p].h < 400]
    if len(blocks) > 4:
        broad = float(np.mean([box.w > 0.8 * view.width for box in blocks]))
        cost.add(0.6 * broad, "elements run over the whole width", view)
    screens = view.page_height / view.height
    per_screen = sum(line.chars for line in scene.lines) / max(screens, 1)
    cost.add(0.02 * max(0.0, screens - 1) * (1.0 if per_screen < 600 else 0.5), "a long page to scroll", view)
    return cost


def side_by_side(scene: Scene) -> float:
    """Share of the smallest boxes of the layout that have another one beside them, of a comparable height."""
    rects = np.array([rect_of(scene.boxes[place]) for place in scene.leaves[:400]]).reshape(-1, 4)
    if len(rects) < 2:
        return 0.0
    x, y, w, h = rects.T
    shared = np.minimum(y[:, None] + h[:, None], y + h) - np.maximum(y[:, None], y)
    beside = shared > 0.5 * np.minimum(h[:, None], h)
    apart = (x[:, None] >= x + w - 1) | (x >= x[:, None] + w[:, None] - 1)
    alike = np.maximum(h[:, None], h) < 6 * np.minimum(h[:, None], h)
    return float((beside & apart & alike).any(axis=1).mean())


def _add_stretched(cost: Cost, scene: Scene) -> None:
    """Short texts in boxes that run over the page, and pictures larger than a screen: nobody has given them a width."""
    view = scene.view
    texts: dict[int, list[float]] = {}
    for line in scene.lines:
        left, right, rows = texts.get(line.block, (np.inf, -np.inf, 0))
        texts[line.block] = [min(left, line.x), max(right, line.x + line.w), rows + line.h]
    empty = 0.0
    for place, (left, right, height) in texts.items():
        box = scene.boxes[place]
        if box.w > 0.45 * view.width and left - box.x < 0.25 * (box.x + box.w - right) and height < 3 * box.size:
            empty += (1 - (right - left) / box.w) * min(1.0, (box.w / view.width - 0.45) / 0.3)
    cost.add(0.5 * empty / max(len(texts), 1), "short texts in boxes as wide as the page", view)
    pictures = [box for box in scene.boxes if box.tag in REPLACED and box.shown and box.w * box.h > 2000]
    huge = [box for box in pictures if box.h > 0.75 * view.height and box.w > 0.4 * view.width]
    if huge:
        box = huge[0]
        size = max(min(2.0, box.w * box.h / (view.width * view.height)) for box in huge)
        cost.add(0.3 * size, "a picture larger than the window", view, rect_of(box))


def _columns(row: np.ndarray) -> int:
    """Into how many pieces a row of cells falls, where at least four empty cells (64 px) part them."""
    busy = np.flatnonzero(row)
    return int(1 + (np.diff(busy) > 4).sum()) if len(busy) else 0
