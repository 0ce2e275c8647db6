"""How a page looks: a score from 0 to 1 with its reasons, computed from what a browser saw
(`rewards.frontend.capture`).

Every metric takes something away: costs add up, over metrics and over widths, and the sum is stretched so that an
unstyled page is low and only a page with few faults is high. A weighted mean of marks would not do: nine good marks
hide a page that nobody can read. Two gates multiply: without content there is nothing to judge, and text that cannot
be seen is not content.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rewards.frontend.capture import Capture
from rewards.frontend.looks.colour import colourfulness_cost, harmony_cost
from rewards.frontend.looks.composition import clutter_cost, layout_cost, space_cost
from rewards.frontend.looks.consistency import default_cost, ornament_cost, sibling_cost, spacing_cost, type_cost
from rewards.frontend.looks.placement import alignment_cost, overflow_cost, overlap_cost, room_cost, touch_cost
from rewards.frontend.looks.reading import content_evidence, contrast_cost, legibility_cost
from rewards.frontend.looks.scene import Cost, Reason, Scene

METRICS: dict[str, Callable[[Scene], Cost]] = {
    "contrast": contrast_cost,
    "legibility": legibility_cost,
    "overlap": overlap_cost,
    "overflow": overflow_cost,
    "alignment": alignment_cost,
    "room": room_cost,
    "siblings": sibling_cost,
    "type": type_cost,
    "spacing": spacing_cost,
    "ornament": ornament_cost,
    "harmony": harmony_cost,
    "colourfulness": colourfulness_cost,
    "clutter": clutter_cost,
    "space": space_cost,
    "layout": layout_cost,
    "touch": touch_cost,
    "designed": default_cost,
}
"""What is measured at each width, by the name that it has in `Looks.parts`."""

SHARES = {1280: 0.6, 390: 0.4}
"""How much each width of viewport counts."""

HALF = 2.0
"""A page whose costs add up to this has half of the points."""

STEEPNESS = 2.2


@dataclass(frozen=True, slots=True)
class Looks:
    """`parts` are in [0, 1], 1 where nothing was lost; `reasons` come dearest first, their costs in units of
    `score`."""

    score: float
    parts: dict[str, float]
    reasons: list[Reason]


def judge(capture: Capture) -> Looks:
    """How the page looks. An empty capture, or one in which nothing is seen, is worth 0."""
    total, evidence = 0.0, 1.0
    amounts = dict.fromkeys(METRICS, 0.0)
    reasons: list[Reason] = []
    if not capture.views:
        return Looks(
            0.0, {**dict.fromkeys(METRICS, 0.0), "content": 0.0}, [Reason("nothing was captured", 0, None, 1.0)]
        )
    shares = np.array([SHARES.get(view.width, 0.5) for view in capture.views])
    for view, share in zip(capture.views, shares / shares.sum(), strict=True):
        scene = Scene(view)
        for name, metric in METRICS.items():
            cost = metric(scene)
            amounts[name] += share * cost.amount
            reasons += [Reason(r.text, r.viewport, r.box, share * r.cost) for r in cost.reasons]
        seen, cost = content_evidence(scene)
        # What nobody has looked at is no evidence.
        read = sum(line.chars for line in view.lines)
        judged = read / (read + view.left) if view.left else 1.0
        if judged < 1:
            reasons.append(Reason(f"{1 - judged:.0%} of the page is more than can be judged", view.width, None, share))
        evidence = min(evidence, seen * float(np.exp(-cost_of_hiding(cost))) * judged)
        reasons += [Reason(r.text, r.viewport, r.box, share * r.cost) for r in cost.reasons]
    total = sum(amounts.values())
    beauty = stretched(total)
    score = beauty * min(1.0, evidence / 0.9)
    parts = {name: float(np.exp(-amount)) for name, amount in amounts.items()} | {"content": min(1.0, evidence / 0.9)}
    # What is lost is shared out among the reasons in proportion to what they cost.
    lost, sum_of_costs = 1 - score, sum(reason.cost for reason in reasons)
    scale = lost / max(sum_of_costs, total, 1e-9)
    reasons = [Reason(r.text, r.viewport, r.box, r.cost * scale) for r in reasons]
    return Looks(score, parts, sorted(reasons, key=lambda reason: -reason.cost))


def stretched(total: float) -> float:
    """Costs as a score: 1 at 0, one half at `HALF`, steepest near there, never quite 0."""
    return 1 / (1 + (total / HALF) ** STEEPNESS)


def cost_of_hiding(cost: Cost) -> float:
    """The part of the content's cost that does not come from there being little of it (evidence says that
    already)."""
    return sum(reason.cost for reason in cost.reasons if "cannot be seen" in reason.text)
