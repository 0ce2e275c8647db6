# ruff: noqa: E501
"""How fast the front-end reward is, whether it grows, and whether it says the same twice.

    python -m benchmarks.frontend speed [--pages 40] [--workers 1]     against a bare headless shell, interleaved
    python -m benchmarks.frontend soak [--pages 2000]                  memory, processes and descriptors on the way
    python -m benchmarks.frontend determinism [--pages 100]            each page twice, on fresh browsers
    python -m benchmarks.frontend hostile                              how long each hostile page of the tests takes

The bare shell loads a page in a fresh context and takes one picture of the window: what the reward cannot do without.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rewards.frontend.browser import Browser
from rewards.frontend.judgement import assess
from rewards.frontend.worker import Job, Worker

_WORDS = [
    "tasks",
    "summary",
    "today",
    "orders",
    "people",
    "garden",
    "invoice",
    "river",
    "report",
    "weather",
    "library",
    "music",
    "station",
    "recipe",
    "bicycle",
]


def page(seed: int) -> str:
    """A made-up page of about 4 KB: header, cards, a form with a list, a table, a script."""
    rng = random.Random(seed)
    words = lambda count: " ".join(rng.choice(_WORDS) for _ in range(count))  # noqa: E731
    hue = rng.randrange(360)
    cards = "".join(
        f"<article class='card'><h2>{words(2).title()}</h2><p>{words(18).capitalize()}.</p><button>{words(1).title()}</button></article>"
        for _ in range(rng.randint(3, 6))
    )
    rows = "".join(f"<tr><td>{words(2)}</td><td>{rng.randint(1, 900)}</td></tr>" for _ in range(rng.randint(4, 9)))
    return f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{words(2)}</title><style>*{{box-sizing:border-box}}body{{margin:0;font:16px/1.5 system-ui,sans-serif;color:#222;background:#f6f7f9}}
header{{background:hsl({hue} 50% 30%);color:#fff;padding:32px}}main{{max-width:1000px;margin:24px auto;padding:0 16px}}
.grid{{display:grid;grid-template-columns:repeat(auto-fit,minmax(240px,1fr));gap:16px}}
.card{{background:#fff;border-radius:10px;padding:20px;box-shadow:0 1px 4px #0002}}
button{{padding:10px 16px;border:0;border-radius:8px;background:hsl({hue} 50% 30%);color:#fff;min-height:44px}}
table{{width:100%;border-collapse:collapse;margin-top:24px}}td{{padding:8px;border-top:1px solid #ddd}}</style></head>
<body><header><h1>{words(3).title()}</h1><p>{words(9).capitalize()}.</p></header><main><div class="grid">{cards}</div>
<table>{rows}</table><p id="out">0 chosen</p></main><script>let n=0;
document.querySelectorAll("button").forEach((b)=>b.onclick=()=>{{b.textContent="chosen";document.getElementById("out").textContent=++n+" chosen"}})
</script></body></html>"""


def bare(browser: Browser, source: str) -> None:
    """Loads a page and takes one picture of the window, with no more of our own than serving it."""
    with browser.page({"": source.encode()}, 1280, 800) as tab:
        tab._loaded = False
        tab._call("Page.navigate", {"url": "https://page.example/"})
        tab.patience.until(lambda: tab._loaded)
        tab._call("Page.captureScreenshot", {"format": "png"})


def speed(pages: int, workers: int) -> None:
    """Rounds of both in turns; the ratio is of medians of pages a second."""
    rounds, size = 5, max(4, pages // 5)
    reward, shell = [], []
    judges = [Worker() for _ in range(workers)]
    shells = [Browser() for _ in range(workers)]
    for judge in judges:
        judge.judge(Job(page(0)))
    for each in shells:
        bare(each, page(0))
    for turn in range(rounds):
        sources = [page(1 + turn * size + place) for place in range(size)]
        shares = [sources[place::workers] for place in range(workers)]
        reward.append(size / _timed([partial(_judge_all, *share) for share in zip(judges, shares, strict=True)]))
        shell.append(size / _timed([partial(_bare_all, *share) for share in zip(shells, shares, strict=True)]))
        print(
            f"round {turn + 1}: reward {reward[-1]:.2f} pages/s, bare shell {shell[-1]:.2f}, ratio {reward[-1] / shell[-1]:.2f}"
        )
    for judge in judges:
        judge.close()
    for each in shells:
        each.close()
    print(f"{workers} workers, medians: {statistics.median(reward):.2f} against {statistics.median(shell):.2f} pages/s")
    print(f"ratio of medians {statistics.median(reward) / statistics.median(shell):.2f}")


def _judge_all(judge: Worker, sources: list[str]) -> None:
    for source in sources:
        judge.judge(Job(source))


def _bare_all(browser: Browser, sources: list[str]) -> None:
    for source in sources:
        bare(browser, source)


def _timed(tasks: list[Callable[[], object]]) -> float:
    threads = [threading.Thread(target=task) for task in tasks]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def soak(pages: int) -> None:
    with Browser() as browser:
        for number in range(pages + 1):
            assess(browser, page(number))
            if number % max(1, pages // 20) == 0:
                assert browser.process is not None
                own = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
                print(
                    f"{number:5} pages: browser {browser.process.memory() / 1e6:.0f} MB in {len(browser.process.pids())} "
                    f"processes, Python {own / 1e6:.0f} MB, {len(os.listdir('/proc/self/fd'))} descriptors, "
                    f"{browser.started} browsers so far",
                    flush=True,
                )


def determinism(pages: int) -> None:
    totals: list[list[float]] = []
    for _ in range(2):
        with Browser() as browser:
            totals.append([assess(browser, page(seed)).total for seed in range(pages)])
    apart = [abs(one - two) for one, two in zip(*totals, strict=True)]
    print(f"{pages} pages twice: {sum(each == 0 for each in apart)} the same, at most {max(apart):.4f} apart")


def hostile() -> None:
    from tests.integration.rewards.frontend.hostile import PAGES

    with Browser() as browser:
        assess(browser, page(0))
        longest = 0.0
        for name, source in PAGES.items():
            began = time.perf_counter()
            judged = assess(browser, source)
            longest = max(longest, time.perf_counter() - began)
            print(f"{name:36} {time.perf_counter() - began:5.1f} s  {judged.total:.2f}", flush=True)
            assess(browser, page(0))
        print(f"{len(PAGES)} pages, the longest took {longest:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "soak", "determinism", "hostile"))
    parser.add_argument("--pages", type=int)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    if given.what == "speed":
        speed(given.pages or 40, given.workers)
    elif given.what == "soak":
        soak(given.pages or 2000)
    elif given.what == "determinism":
        determinism(given.pages or 100)
    else:
        hostile()


if __name__ == "__main__":
    main()
