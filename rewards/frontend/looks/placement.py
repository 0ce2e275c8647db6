"""Is everything in its place? Overlap, overflow, alignment of siblings and of edges, room round text, width of a
telephone."""

from itertools import pairwise

import numpy as np

from rewards.frontend.looks.scene import NEAR, Cost, Rect, Scene, is_inline, is_surface, rect_of


def overlap_cost(scene: Scene) -> Cost:
    """Lines of text over lines of text, siblings over siblings; boxes that float by design are left out."""
    cost = Cost()
    view = scene.view
    lines = [line for line in scene.lines if not scene.boxes[line.box].fixed][:700]
    if len(lines) > 1:
        # The glyphs fill about the middle two thirds of a line's box; tight headlines do not overlap.
        rects = np.array([(x.x, x.y + 0.18 * x.h, x.x + x.w, x.y + 0.82 * x.h) for x in lines])
        shared = _intersections(rects)
        size = (rects[:, 2] - rects[:, 0]) * (rects[:, 3] - rects[:, 1])
        part = shared / np.maximum(np.minimum(size[:, None], size[None, :]), 1)
        hit = np.where(part.max(axis=1) > 0.05, np.sqrt(part.max(axis=1)), 0)
        weight = np.sqrt(size)
        worst = int(np.argmax(hit * weight))
        share = float((hit * weight).sum() / weight.sum())
        cost.add(
            2.2 * np.sqrt(share), f"text “{lines[worst].text[:40]}” lies over other text", view, rect_of(lines[worst])
        )

    crossing = total = 0.0
    found: tuple[float, Rect | None] = (0.0, None)
    for parent, places in enumerate(scene.children):
        members = [
            p
            for p in places
            if not is_inline(scene.boxes[p])
            and scene.boxes[p].position not in ("absolute", "fixed", "sticky")
            and scene.has_content[p]
            and scene.boxes[p].w > 3
            and scene.boxes[p].h > 3
        ][:60]
        if len(members) < 2 or scene.boxes[parent].fixed:
            continue
        rects = np.array([_edges(scene, p) for p in members])
        shared = _intersections(rects)
        size = (rects[:, 2] - rects[:, 0]) * (rects[:, 3] - rects[:, 1])
        # Borders of one pixel that are drawn over one another are meant.
        span = rects[:, 2:] - rects[:, :2]
        across = np.min(shared.max(axis=1)[:, None] / np.maximum(span, 1), axis=1)
        depth = shared / np.maximum(np.minimum(size[:, None], size[None, :]), 1)
        hit = np.where((depth.max(axis=1) > 0.015) & (across > 2.5), np.sqrt(np.minimum(depth.max(axis=1), 1)), 0)
        crossing += float(hit.sum())
        total += len(members)
        if hit.max() > found[0]:
            box = scene.boxes[members[int(np.argmax(hit))]]
            found = (float(hit.max()), (box.x, box.y, box.w, box.h))
    if total:
        cost.add(2.0 * np.sqrt(crossing / total), "elements lie over their neighbours", view, found[1])
    # Pieces laid over text without being part of what they cover.
    texts = np.array([(x.x, x.y + 0.1 * x.h, x.x + x.w, x.y + 0.9 * x.h) for x in lines]).reshape(-1, 4)
    covers = [
        p
        for p, box in enumerate(scene.boxes)
        if box.position == "absolute"
        and box.shown
        and is_surface(box)
        and box.w * box.h < 0.2 * view.width * view.height
    ][:200]
    over = 0.0
    spot: Rect | None = None
    for place in covers:
        box = scene.boxes[place]
        inside = {place, *scene.ancestors(place)}
        width = np.minimum(texts[:, 2], box.x + box.w) - np.maximum(texts[:, 0], box.x)
        height = np.minimum(texts[:, 3], box.y + box.h) - np.maximum(texts[:, 1], box.y)
        for index in np.flatnonzero((width > 2) & (height > 2)):
            chain = {lines[index].box, *scene.ancestors(lines[index].box)}
            if place not in chain and lines[index].box not in inside:
                over += 1
                spot = (box.x, box.y, box.w, box.h)
                break
    if covers:
        cost.add(0.12 * over / (1 + 0.05 * over), "something stuck over the text", view, spot)
    return cost


def overflow_cost(scene: Scene) -> Cost:
    """What sticks out: of the page (it then scrolls sideways), of its parent, and text cut off by a clipping box."""
    cost = Cost()
    view = scene.view
    excess = max(0.0, view.page_width - view.width) / view.width
    if excess > 0.003:
        cost.add(0.25 + 1.2 * min(excess, 1.0), f"the page is {view.page_width:.0f} px wide and scrolls sideways", view)
    out = total = 0.0
    found: tuple[float, Rect | None, str] = (0.0, None, "")
    for place in scene.blocks:
        box = scene.boxes[place]
        parent = scene.boxes[box.parent]
        total += 1
        if box.position in ("absolute", "fixed") or parent.display in ("inline", "contents"):
            continue
        amount = 0.0
        if not _scrolls(parent.overflow):
            amount = max(box.x + box.w - (parent.x + parent.w), parent.x - box.x, 0.0) / max(parent.w, 1)
            if box.parent > 0 and parent.h > 1 and (is_surface(parent) or "hidden" in parent.overflow):
                amount += max(box.y + box.h - (parent.y + parent.h), 0.0) / max(parent.h, 20)
        if amount > 0.012:
            hit = min(np.sqrt(amount), 1.0)
            out += hit
            if hit > found[0]:
                found = (hit, (box.x, box.y, box.w, box.h), "an element sticks out of its box")
    cut = chars = 0.0
    for line in view.lines:
        box = scene.boxes[line.box]
        if not box.shown or box.opacity < 0.05:
            continue
        chars += line.chars
        if 0 < line.left < 0.97:
            cut += line.chars * min(1.0, 2 * (1 - line.left))
            found = (1.0, rect_of(line), f"text “{line.text[:30]}” is cut off")
        elif line.left > 0:
            # Text that leaves its own block, whether or not anything cuts it.
            block = scene.boxes[line.block]
            over = max(line.x + line.w - (block.x + block.w) - 2, block.x - line.x - 2, 0.0)
            over += max(line.y + 0.8 * line.h - (block.y + block.h), 0.0) if block.h > 2 else 0.0
            if over > 0:
                cut += line.chars * min(1.0, over / 20)
                found = (1.0, rect_of(line), f"text “{line.text[:30]}” runs out of its box")
    if total:
        cost.add(
            1.6 * np.sqrt(out / total) if out else 0.0, found[2] or "elements stick out of their boxes", view, found[1]
        )
    if chars:
        cost.add(1.6 * np.sqrt(cut / chars) if cut else 0.0, found[2], view, found[1])
    return cost


def alignment_cost(scene: Scene) -> Cost:
    """Neighbours share an edge or an axis: left, centre or right where they stand under one another, top, middle,
    bottom or baseline where they stand side by side. Besides, the whole page has few left edges, and text does not
    stick to a border.
    """
    cost = Cost()
    view = scene.view
    missed = total = 0.0
    found: tuple[float, Rect | None] = (0.0, None)
    for places in scene.children:
        members = [p for p in places if p in scene.block_set and scene.boxes[p].position not in ("absolute", "fixed")]
        for one, other in pairwise(members):
            a, b = scene.boxes[one], scene.boxes[other]
            beside = min(a.y + a.h, b.y + b.h) - max(a.y, b.y) > 0.5 * min(a.h, b.h)
            if beside:
                gaps = (abs(a.y - b.y), abs(a.y + a.h - b.y - b.h), abs(a.y + a.h / 2 - b.y - b.h / 2))
            else:
                if b.y + b.h <= a.y + 1:
                    continue  # the next column or a float: not neighbours
                if b.x > a.x + a.w or a.x > b.x + b.w:
                    continue
                gaps = (abs(a.x - b.x), abs(a.x + a.w - b.x - b.w), abs(a.x + a.w / 2 - b.x - b.w / 2))
            total += 1
            miss = min(gaps)
            if miss > NEAR:
                hit = min(1.0, 0.35 + miss / 24)
                missed += hit
                if hit > found[0]:
                    found = (hit, (b.x, b.y, b.w, b.h))
    if total:
        cost.add(1.5 * np.sqrt(missed / total) * min(1, total / 6), "neighbours do not line up", view, found[1])

    edges: list[tuple[float, float]] = []
    for place in scene.leaves:
        box = scene.boxes[place]
        edges.append((box.x, box.x + box.w / 2))
    if len(edges) >= 4:
        left = np.array([edge[0] for edge in edges])
        middle = np.array([edge[1] for edge in edges])
        company = np.maximum(_company(left), _company(middle))
        known = min(1.0, len(left) / 16)  # few elements have few edges to share
        alone = float((company == 0).mean())
        distinct = len(np.unique(np.round(left / 3))) / len(left)
        cost.add(0.4 * alone * known, "elements stand on edges of their own", view)
        cost.add(0.25 * max(0.0, distinct - 0.1) * known, "the page has too many different left edges", view)
    return cost


def room_cost(scene: Scene) -> Cost:
    """Text that touches the window's edge or the border of the surface that it stands on."""
    cost = Cost()
    view = scene.view
    lines = scene.lines
    if not lines:
        return cost
    chars = np.array([line.chars for line in lines]) ** 0.7
    window = np.array([max(0.0, 1 - max(line.x, 0) / 14) for line in lines])
    worst = int(np.argmax(chars * window))
    share = float((chars @ window) / chars.sum())
    cost.add(1.1 * share, "text touches the edge of the window", view, rect_of(lines[worst]))
    tight = np.zeros(len(lines))
    for index, line in enumerate(lines):
        place = line.box
        while place > 0:
            box = scene.boxes[place]
            if (box.background[3] > 0.3 or box.border >= 1) and box.w < view.width - 2 and not is_inline(box):
                sideways = min(line.x - box.x, box.x + box.w - line.x - line.w)
                upward = min(line.y - box.y, box.y + box.h - line.y - line.h)
                # A border on one side (a rule between rows) is no surface to keep away from at the other sides.
                if box.background[3] > 0.3 or box.radius > 0:
                    beside, above = 1 - max(sideways, 0) / 6, 0.6 * (1 - max(upward, 0) / 2)
                    tight[index] = max(0.0, beside if sideways < 6 else above)
                break
            place = box.parent
    worst = int(np.argmax(chars * tight))
    share = float((chars @ tight) / chars.sum())
    cost.add(0.9 * share, "text touches the border of its box", view, rect_of(lines[worst]))
    return cost


def touch_cost(scene: Scene) -> Cost:
    """On a telephone: targets of at least 24 px, better 40 (WCAG 2.2, 2.5.8 and 2.5.5)."""
    cost = Cost()
    view = scene.view
    if view.width > 500:
        return cost
    targets = [box for box in scene.boxes if box.control and box.shown and not is_inline(box) and box.w > 0]
    if targets:
        heights = np.array([min(box.w, box.h) for box in targets])
        small = np.clip((24 - heights) / 12, 0, 1)
        index = int(np.argmax(small))
        box = targets[index]
        cost.add(0.4 * float(small.mean()), "targets too small for a finger", view, (box.x, box.y, box.w, box.h))
        cost.add(0.1 * float(np.clip((40 - heights) / 16, 0, 1).mean()), "targets smaller than a fingertip", view)
    return cost


def _intersections(rects: np.ndarray) -> np.ndarray:
    """(n, n) areas that rectangles (n, 4) as x0, y0, x1, y1 share with one another; 0 on the diagonal."""
    width = np.minimum(rects[:, None, 2], rects[None, :, 2]) - np.maximum(rects[:, None, 0], rects[None, :, 0])
    height = np.minimum(rects[:, None, 3], rects[None, :, 3]) - np.maximum(rects[:, None, 1], rects[None, :, 1])
    shared: np.ndarray = np.clip(width, 0, None) * np.clip(height, 0, None)
    np.fill_diagonal(shared, 0)
    return shared


def _company(values: np.ndarray) -> np.ndarray:
    """For each value how many of the others are within `NEAR`."""
    ordered = np.sort(values)
    found: np.ndarray = np.searchsorted(ordered, values + NEAR, "right") - np.searchsorted(ordered, values - NEAR) - 1
    return found


def _edges(scene: Scene, place: int) -> tuple[float, float, float, float]:
    box = scene.boxes[place]
    return box.x, box.y, box.x + box.w, box.y + box.h


def _scrolls(overflow: str) -> bool:
    return "auto" in overflow or "scroll" in overflow
