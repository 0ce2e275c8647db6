"""Do the colours belong together? Harmony of hues, number of hues, colourfulness within a band."""

import numpy as np

from rewards.frontend.looks.scene import Cost, Scene, hue_saturation

TEMPLATES: dict[str, tuple[tuple[float, float], ...]] = {
    "i": ((0, 18),),
    "V": ((0, 93.6),),
    "L": ((0, 18), (90, 79.2)),
    "I": ((0, 18), (180, 18)),
    "T": ((0, 180),),
    "Y": ((0, 93.6), (180, 18)),
    "X": ((0, 93.6), (180, 93.6)),
}
"""Sectors (centre, width in degrees) of the harmonic templates of Cohen-Or et al., "Color Harmonization", 2006."""

LEAST_SATURATION = 0.18


def harmony_cost(scene: Scene) -> Cost:
    """Distance of the hues from the best harmonic template, and how many hues there are.

    Hues come from what the page declares (text, grounds, borders), since photographs follow no palette, and a little
    from the picture.
    """
    cost = Cost()
    view = scene.view
    colours, weights = declared(scene)
    if len(colours):
        hue, saturation, value = hue_saturation(colours)
        vivid = saturation * value
        weight = weights * np.where(vivid > LEAST_SATURATION, vivid, 0)
        if weight.sum() > 0:
            coloured = float(weight.sum() / weights.sum())
            distance = harmony_distance(hue, weight)
            cost.add(0.03 * distance * min(1.0, 0.3 + 2 * coloured), "hues that do not go together", view)
            shares = np.bincount((hue // 30).astype(int) % 12, weights=weight, minlength=12) / weight.sum()
            effective = float(np.exp(-sum(s * np.log(s) for s in shares if s > 0)))
            cost.add(0.14 * max(0.0, effective - 2.2), f"about {effective:.0f} hues at once", view)
        shades = zip(hue[weight > 0], saturation[weight > 0], value[weight > 0], strict=True)
        keys = {(int(h // 20), int(s * 3), int(v * 3)) for h, s, v in shades}
        cost.add(0.035 * max(0, len(keys) - 4) + 0.008 * len(keys), f"{len(keys)} different colours", view)
    return cost


def colourfulness_cost(scene: Scene) -> Cost:
    """Colourfulness (Hasler and Suesstrunk, 2003) has a band: grey pages and shrill ones cost, the others do not."""
    cost = Cost()
    amount = colourfulness(scene.small)
    cost.add(0.006 * max(0.0, amount - 100), f"shrill colours (colourfulness {amount:.0f})", scene.view)
    cost.add(0.02 * max(0.0, 6 - amount), f"hardly any colour (colourfulness {amount:.0f})", scene.view)
    return cost


def colourfulness(pixels: np.ndarray) -> float:
    """M of Hasler and Suesstrunk, "Measuring colourfulness in natural images", 2003, of pixels (..., 3) in 0..255.

    M = sigma + 0.3 mu, where sigma and mu are the lengths of standard deviation and mean of rg = R - G and yb = (R +
    G) / 2 - B.
    """
    r, g, b = (pixels[..., channel].astype(np.float32) for channel in range(3))
    rg, yb = r - g, (r + g) / 2 - b
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def harmony_distance(hue: np.ndarray, weight: np.ndarray) -> float:
    """Mean distance in degrees of hues (n,), weighted by (n,), from the sectors of the template that fits best.

    Each template is turned in steps of 6 degrees. Type T covers a half circle, so that only what is truly all over
    the place stays far from every template; wide templates cost a little by themselves, as in the choice of a palette
    by hand.
    """
    turns = np.arange(0, 360, 6.0)
    best = np.inf
    for sectors in TEMPLATES.values():
        away = np.full((len(turns), len(hue)), np.inf)
        for centre, width in sectors:
            apart = np.abs((hue[None, :] - turns[:, None] - centre + 180) % 360 - 180)
            away = np.minimum(away, np.clip(apart - width / 2, 0, None))
        best = min(best, float((away @ weight).min() / weight.sum()) + 0.01 * sum(width for _, width in sectors))
    return best


def declared(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) colours that shown elements declare and (n,) their weights: the root of length or area."""
    colours: list[tuple[float, ...]] = []
    weights: list[float] = []
    for line in scene.lines:
        box = scene.boxes[line.box]
        if box.colour[3] > 0.3:
            colours.append(box.colour[:3])
            weights.append(float(np.sqrt(line.chars)) * 2)
    for box in scene.boxes:
        if not box.shown:
            continue
        area = box.visible[2] * box.visible[3]
        if box.background[3] > 0.3 and not box.image:
            colours.append(box.background[:3])
            weights.append(min(float(np.sqrt(area)) / 20, 20))
        if box.border >= 1 and box.border_colour[3] > 0.3:
            colours.append(box.border_colour[:3])
            weights.append(1.0)
    return np.array(colours).reshape(-1, 3), np.array(weights)
