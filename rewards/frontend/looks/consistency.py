"""Does the page follow rules of its own? Things of one sort look alike; sizes, gaps, families and ornaments are
few."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable
from itertools import pairwise

import numpy as np

from rewards.frontend.looks.scene import FIELDS, NEAR, Cost, Rect, Scene, first_family, is_inline, is_surface, rect_of

GENERIC = frozenset(
    {"serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui", "ui-sans-serif", "-apple-system"}
)


def sibling_cost(scene: Scene) -> Cost:
    """Elements of one sort (same tag and classes; without classes, same tag under the same sort of parent) look
    alike.

    For each property the share of a sort's members that differ from its most common value, sorts weighted by the root
    of their size. A few exceptions (the current item, the recommended plan) cost little.
    """
    cost = Cost()
    boxes = scene.boxes
    lined = {line.box for line in scene.lines}
    sorts: dict[Hashable, list[int]] = defaultdict(list)
    for place, box in enumerate(boxes):
        if box.shown and box.parent >= 0 and box.w > 1 and box.h > 1:
            parent = boxes[box.parent]
            # A bare div can be anything: it is compared with its own siblings' cousins only.
            key = (box.kind, parent.kind, parent.parent if box.kind == "div" else -1)
            sorts[key].append(place)
    asked: dict[str, tuple[float, Callable[[int], Hashable]]] = {
        "size of text": (0.8, lambda p: round(boxes[p].size) if p in lined else None),
        "family": (0.8, lambda p: first_family(boxes[p].family) if p in lined else None),
        "colour of text": (0.6, lambda p: _coarse(boxes[p].colour) if p in lined else None),
        "ground": (0.6, lambda p: _coarse(boxes[p].background)),
        "corners": (0.6, lambda p: round(boxes[p].radius)),
        "shadow": (0.6, lambda p: boxes[p].shadow),
        "inner space": (0.6, lambda p: tuple(round(v) for v in boxes[p].padding)),
        "outer space": (0.4, lambda p: tuple(round(v) for v in (boxes[p].margin[0], boxes[p].margin[2]))),
        "border": (0.4, lambda p: round(boxes[p].border)),
        "height of lines": (0.2, lambda p: round(boxes[p].line_height) if p in lined else None),
    }
    groups = [members for members in sorts.values() if len(members) >= 2]
    if not groups:
        return cost
    weights = np.array([np.sqrt(len(members)) for members in groups])
    weights /= weights.sum()
    for name, (price, value) in asked.items():
        dissent = np.zeros(len(groups))
        odd: tuple[float, Rect | None] = (0.0, None)
        for index, members in enumerate(groups):
            values = [value(place) for place in members]
            counts = Counter(v for v in values if v is not None)
            number = sum(counts.values())
            if number < 2:
                continue
            usual, most = counts.most_common(1)[0]
            # Two that differ may be meant to; of many, each exception weighs by its share.
            dissent[index] = (number - most) / number * (0.7 if number == 2 else 1.0)
            if dissent[index] * weights[index] > odd[0]:
                strange = next(p for p, v in zip(members, values, strict=True) if v is not None and v != usual)
                odd = (float(dissent[index] * weights[index]), rect_of(boxes[strange]))
        share = float(weights @ dissent)
        cost.add(price * (share + 0.35 * np.sqrt(share)), f"elements of one sort differ in {name}", scene.view, odd[1])
    return cost


def type_cost(scene: Scene) -> Cost:
    """Few sizes, clearly apart; few families. Text is weighted by the root of its characters, headings count too."""
    cost = Cost()
    view = scene.view
    if not scene.lines:
        return cost
    sizes: Counter[float] = Counter()
    families: Counter[str] = Counter()
    for line in scene.lines:
        box = scene.boxes[line.box]
        sizes[round(box.size * 2) / 2] += np.sqrt(line.chars)
        families[first_family(box.family)] += np.sqrt(line.chars)
    total = sum(sizes.values())
    effective = float(np.exp(-sum(n / total * np.log(n / total) for n in sizes.values())))
    cost.add(
        0.035 * max(0, len(sizes) - 5) + 0.01 * len(sizes) + 0.03 * max(0.0, effective - 3),
        f"{len(sizes)} sizes of text",
        view,
    )
    ordered = sorted(sizes)
    near = sum(1 for a, b in pairwise(ordered) if b / a < 1.09)
    cost.add(0.035 * near, f"{near} pairs of sizes that are nearly the same", view)
    odd = sum(n for size, n in sizes.items() if abs(size * 5 - round(size * 5)) > 0.01 and size % 1 != 0) / total
    cost.add(0.15 * odd, "sizes that are on no scale", view)
    spread = len({size for size in ordered if size >= 1.2 * min(ordered)})
    if len(scene.lines) > 8 and not spread:
        cost.add(0.2, "all text has one size: nothing leads the eye", view)

    total = sum(families.values())
    rest = 1 - sum(n for _, n in families.most_common(2)) / total
    effective = float(np.exp(-sum(n / total * np.log(n / total) for n in families.values())))
    cost.add(0.16 * max(0, len(families) - 2) + 0.04 * (len(families) - 1), f"{len(families)} families of type", view)
    cost.add(0.8 * rest + 0.05 * (effective - 1) + 0.2 * max(0.0, effective - 2), "families of type are mixed", view)
    mixed = blocks = 0
    by_parent: dict[int, set[str]] = defaultdict(set)
    for line in scene.lines:
        by_parent[scene.boxes[line.block].parent].add(first_family(scene.boxes[line.box].family))
    for found in by_parent.values():
        blocks += 1
        mixed += len(found) > 1
    cost.add(0.3 * mixed / blocks, "several families in one group of text", view)
    return cost


def spacing_cost(scene: Scene) -> Cost:
    """Gaps between neighbours of one sort are equal; the distances are few and mostly multiples of 4 px."""
    cost = Cost()
    view = scene.view
    unequal = total = 0.0
    found: tuple[float, Rect | None] = (0.0, None)
    for places in scene.children:
        members = [p for p in places if p in scene.block_set and scene.boxes[p].position not in ("absolute", "fixed")]
        for way in (0, 1):
            gaps: list[tuple[float, int]] = []
            for one, other in pairwise(members):
                a, b = scene.boxes[one], scene.boxes[other]
                if a.kind != b.kind:
                    continue
                beside = min(a.y + a.h, b.y + b.h) - max(a.y, b.y) > 0.5 * min(a.h, b.h)
                if beside and way == 0 and b.x > a.x:
                    gaps.append((b.x - a.x - a.w, other))
                elif not beside and way == 1 and b.y > a.y:
                    gaps.append((b.y - a.y - a.h, other))
            if len(gaps) < 2:
                continue
            values = np.array([gap for gap, _ in gaps])
            usual = float(np.median(values))
            off = np.abs(values - usual)
            hit = np.where(off > NEAR, np.minimum(0.4 + off / 30, 1.0), 0)
            unequal += float(hit.sum())
            total += len(gaps)
            if hit.max() > found[0]:
                found = (float(hit.max()), rect_of(scene.boxes[gaps[int(np.argmax(hit))][1]]))
    if total:
        cost.add(0.9 * np.sqrt(unequal / total) * min(1.0, total / 6), "gaps between neighbours differ", view, found[1])

    # Rows of equals: cards side by side have one height, and what is stacked has one width.
    uneven = rows = 0.0
    for places in scene.children:
        members = [p for p in places if p in scene.block_set and not scene.boxes[p].fixed]
        for one, other in pairwise(members):
            a, b = scene.boxes[one], scene.boxes[other]
            if a.kind != b.kind or (a.kind == a.tag and a.tag != "div"):
                continue
            beside = min(a.y + a.h, b.y + b.h) - max(a.y, b.y) > 0.5 * min(a.h, b.h)
            rows += 1
            uneven += float(abs(a.h - b.h) > NEAR) if beside else float(abs(a.w - b.w) > NEAR)
    if rows:
        cost.add(0.35 * uneven / rows, "equals side by side differ in size", view)

    distances: Counter[float] = Counter()
    for place in scene.blocks:
        box = scene.boxes[place]
        for value in (*box.padding, box.margin[0], box.margin[2], *box.gap):
            if 0 < abs(value) < 200:
                distances[round(abs(value) * 2) / 2] += 1
    number = sum(distances.values())
    if number >= 6:
        common = sum(sorted(distances.values(), reverse=True)[:6]) / number
        cost.add(0.6 * (1 - common), "too many different distances", view)
        cost.add(0.014 * max(0.0, len(distances) - 6), f"{len(distances)} different distances", view)
        odd = sum(n for value, n in distances.items() if value % 4 and value > 3) / number
        cost.add(0.25 * odd, "distances that are on no scale", view)
    return cost


def ornament_cost(scene: Scene) -> Cost:
    """Few radii, few shadows, few borders."""
    cost = Cost()
    view = scene.view
    surfaces = [b for b in scene.boxes if b.shown and b.w > 4 and b.h > 4 and (is_surface(b) or b.radius > 0)]
    if not surfaces:
        return cost
    radii = Counter(min(round(b.radius), round(min(b.w, b.h) / 2)) for b in surfaces if b.radius > 0)
    shadows = Counter(b.shadow for b in surfaces if b.shadow)
    borders = Counter((round(b.border), b.border_style) for b in surfaces if b.border > 0)
    for found, free, name in ((radii, 3, "radii"), (shadows, 2, "shadows"), (borders, 3, "sorts of border")):
        number = sum(found.values())
        if number:
            rest = number - sum(count for _, count in found.most_common(free))
            cost.add(
                0.06 * min(max(0, len(found) - free), 12) + 0.02 * min(len(found) - 1, 20), f"{len(found)} {name}", view
            )
            cost.add(0.6 * rest / len(surfaces), f"{name} follow no rule", view)
    share = sum(shadows.values()) / len(surfaces)
    cost.add(0.12 * share, "shadows on many things", view)
    return cost


def default_cost(scene: Scene) -> Cost:
    """How much of the page still looks as the browser makes it when nobody has designed anything."""
    cost = Cost()
    view = scene.view
    lines = scene.lines
    if not lines:
        return cost
    boxes = scene.boxes
    chars = np.array([line.chars for line in lines])
    serif = np.array([first_family(boxes[line.box].family) in ("times new roman", "times", "serif") for line in lines])
    cost.add(0.9 * float((chars @ serif) / chars.sum()), "text in the browser's default family", view)
    links = [b for b in boxes if b.tag == "a" and b.shown and b.control]
    if links:
        plain = sum(1 for b in links if b.colour[:3] in ((0, 0, 238), (85, 26, 139)))
        underlined = sum(1 for b in links if "underline" in b.decoration and is_inline(b))
        cost.add(0.6 * plain / len(links), "links in the browser's default blue", view)
        cost.add(0.05 * underlined / len(links), "links without a form of their own", view)
    fields = [b for b in boxes if b.tag in FIELDS and b.shown and b.tag not in ("progress", "meter")]
    if fields:
        plain = sum(1 for b in fields if b.border_style in ("outset", "inset") or (b.tag == "select" and b.size < 14))
        cost.add(0.6 * plain / len(fields), "buttons and fields as the browser draws them", view)
    items = [b for b in boxes if b.tag == "li" and b.shown]
    bullets = [b for b in items if b.display == "list-item" and boxes[b.parent].padding[3] == 40]
    if items:
        cost.add(0.25 * len(bullets) / len(items), "lists with the browser's bullets and indents", view)
    surfaces = [
        b
        for b in boxes
        if b.parent >= 0 and b.shown and is_surface(b) and b.border_style not in ("outset", "inset") and b.tag != "hr"
    ]
    inked = len(surfaces) / max(4.0, 0.1 * len(scene.blocks))
    cost.add(0.5 * max(0.0, 1 - inked), "hardly a surface, border or picture", view)
    body = boxes[0]
    if body.margin == (8, 8, 8, 8):
        cost.add(0.2, "body keeps the browser's margin", view)
    arranged = sum(1 for b in boxes if b.shown and ("flex" in b.display or "grid" in b.display))
    if arranged == 0 and len(scene.blocks) > 6:
        cost.add(0.15, "nothing is arranged: no row, no grid", view)
    return cost


def _coarse(colour: tuple[float, float, float, float]) -> tuple[int, ...]:
    if colour[3] < 0.03:
        return ()
    return (*(round(channel / 12) for channel in colour[:3]), round(colour[3] * 8))
