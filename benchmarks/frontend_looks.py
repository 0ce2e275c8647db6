"""Does the aesthetics score fall when a page is spoiled?

    python -m benchmarks.frontend_looks render --split tuning      # captures into the cache: slow, once
    python -m benchmarks.frontend_looks table --split test         # paired accuracy by kind and strength

Each page of a split is spoiled in 13 kinds and 3 strengths (frontend_corruptions.js), and the score of the spoiled
page is compared with that of the page as it was. A pair counts if the score fell by more than `LEAST`; a tie is a
miss. Spoilings that change nothing in what the browser saw are left out and counted. Pages of a family are averaged,
then families.
"""

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frontend_pages import CACHE, Page, keep, kept, load, pages, photographer
from rewards.frontend.capture import Capture
from rewards.frontend.looks import Looks, judge

KINDS = (
    "contrast",
    "font_size",
    "tiny_text",
    "font_mix",
    "colour_noise",
    "spacing",
    "misalignment",
    "overlap",
    "overflow",
    "clutter",
    "radius_shadow",
    "removed_layout",
    "stripped_css",
)
STRENGTHS = ("weak", "medium", "strong")
TARGETS = (0.90, 0.96, 0.99)
LEAST = 1e-4


def corruptions(page: Page, seeds: int) -> list[tuple[str, int, int]]:
    """(kind, strength, seed) of every spoiling; seeds differ between pages, so that no chance is shared by a
    family."""
    base = sum(page.name.encode()) * 100
    return [
        (kind, strength, base + 10 * strength + seed)
        for seed in range(seeds)
        for kind in KINDS
        for strength in range(3)
    ]


def render(split: str, cache: Path, executable: str | None, seeds: int, only: list[str]) -> None:
    """Makes the captures that are missing; `only` names pages by parts of their names, in the order wanted."""
    order: dict[Page, int] = {}
    for page in pages(split, cache):  # the first page of every family before the second of any: a part is then of use
        order[page] = sum(1 for other in order if other.family == page.family)
    ordered = sorted(order, key=order.__getitem__)
    if only:
        ordered = [page for part in only for page in ordered if part in page.name]
    work = [(page, c) for page in ordered for c in [None, *corruptions(page, seeds)]]
    work = [(page, c) for page, c in work if not kept(page, c, cache).exists()]
    with photographer(executable) as camera:
        for done, (page, corruption) in enumerate(work):
            try:
                keep(kept(page, corruption, cache), camera.capture(page, corruption))
            except Exception as error:  # a page that fails is told and left out; the others are worth their time
                print(f"{page.name} {corruption}: {str(error).splitlines()[0]}", flush=True)
            if done % 20 == 0:
                print(f"{done + 1} of {len(work)}", flush=True)


def unchanged(before: Capture, after: Capture) -> bool:
    return all(
        a.boxes == b.boxes and a.lines == b.lines and a.png == b.png
        for a, b in zip(before.views, after.views, strict=True)
    )


def score_all(split: str, cache: Path, seeds: int) -> list[dict[str, Any]]:
    """A row for every pair whose captures are there: page, kind, strength, scores and parts before and after."""
    rows = []
    for page in pages(split, cache):
        if not kept(page, None, cache).exists():
            continue
        before = load(kept(page, None, cache))
        plain = judge(before)
        rows.append({"family": page.family, "page": page.name, "kind": "", "strength": -1, **_row(plain, plain)})
        for kind, strength, seed in corruptions(page, seeds):
            file = kept(page, (kind, strength, seed), cache)
            if not file.exists():
                continue
            after = load(file)
            row = {"family": page.family, "page": page.name, "kind": kind, "strength": strength, "seed": seed}
            row["changed"] = not unchanged(before, after)
            rows.append({**row, **_row(plain, judge(after))})
    return rows


def _row(before: Looks, after: Looks) -> dict[str, Any]:
    return {"before": before.score, "after": after.score, "parts_before": before.parts, "parts_after": after.parts}


def accuracy(rows: list[dict[str, Any]]) -> dict[tuple[str, int], tuple[float, int]]:
    """Share of pairs whose score fell, families weighing the same, and the number of pairs, by (kind, strength)."""
    hits: dict[tuple[str, int], dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["kind"] and row["changed"]:
            hits[row["kind"], row["strength"]][row["family"]].append(row["after"] < row["before"] - LEAST)
    return {
        key: (float(np.mean([np.mean(pairs) for pairs in families.values()])), sum(map(len, families.values())))
        for key, families in hits.items()
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The paired accuracies as Markdown, with the macro average beneath."""
    found = accuracy(rows)
    lines = ["| kind | weak | medium | strong | pairs |", "|---|---|---|---|---|"]
    for kind in KINDS:
        cells = [found.get((kind, s), (float("nan"), 0)) for s in range(3)]
        lines.append(f"| {kind} | " + " | ".join(f"{a:.2f}" for a, _ in cells) + f" | {sum(n for _, n in cells)} |")
    macro = [float(np.mean([found[k, s][0] for k in KINDS if (k, s) in found])) for s in range(3)]
    lines.append(
        "| **macro average** | "
        + " | ".join(f"**{a:.3f}**" for a in macro)
        + f" | {sum(n for _, n in found.values())} |"
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["render", "table", "pages", "speed"])
    parser.add_argument("--split", choices=["tuning", "test"], default="test")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--browser", default=None, help="executable; by default Playwright's own")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="render only pages whose names have these parts")
    parser.add_argument("--json", type=Path, help="also write every pair here")
    options = parser.parse_args()
    if options.what == "render":
        render(options.split, options.cache, options.browser, options.seeds, options.only)
    elif options.what == "speed":
        captures = [load(kept(page, None, options.cache)) for page in pages(options.split, options.cache)]
        start = time.process_time()
        for capture in captures:
            judge(capture)
        print(f"{(time.process_time() - start) / len(captures) * 1000:.0f} ms CPU a page")
    else:
        rows = score_all(options.split, options.cache, options.seeds)
        for row in rows:
            if not row["kind"]:
                print(f"{row['before']:.3f}  {row['page']}")
        if options.what == "table":
            print(table(rows))
            print(f"{sum(1 for row in rows if row['kind'] and not row['changed'])} spoilings changed nothing")
        if options.json:
            options.json.write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
