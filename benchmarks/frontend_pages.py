"""Well-made pages to measure the aesthetics metrics with: got from the npm registry, served to a browser,
photographed.

The families are those of frontend_families.yaml. Packages and captures go to a cache outside the repository
(`--cache`, by default `~/.cache/lpo/frontend`); captures are kept, since rendering costs most of the time.
"""

import base64
import hashlib
import io
import json
import pickle
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rewards.frontend.capture import HEIGHTS, PICTURE_HEIGHT, WIDTHS, Capture, View, standalone_collector

HERE = Path(__file__).parent
FAMILIES = HERE / "frontend_families.yaml"
CACHE = Path.home() / ".cache" / "lpo" / "frontend"

SETTLED = """(async () => {
  if (!document.getElementById("still")) {
    const style = document.createElement("style");
    style.id = "still";
    style.textContent = "*,*::before,*::after{animation-duration:0s!important;animation-delay:0s!important;" +
      "transition:none!important;scroll-behavior:auto!important;caret-color:transparent!important}";
    document.head.append(style);
    await new Promise((done) => setTimeout(done, 60));
  }
  SPOIL;
  await new Promise((done) => setTimeout(done, 30));
  return JSON.stringify((COLLECT)());
})()"""
"""Runs in the page: stops all movement, spoils the page if asked to, lets it settle, and tells what is there."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a family: `root` holds the files it may ask for, `path` is its own place in there."""

    family: str
    root: Path
    path: str

    @property
    def name(self) -> str:
        return f"{self.family}/{self.path}"


def pages(split: str, cache: Path = CACHE) -> list[Page]:
    """The pages of "tuning" or "test", in the order of the file. Downloads what is missing."""
    found = []
    for entry in yaml.safe_load(FAMILIES.read_text())[split]:
        if "folder" in entry:
            family, root = entry["folder"], HERE / entry["folder"]
        else:
            family, root = entry["package"], package(entry["package"], entry["version"], entry["integrity"], cache)
        found += [Page(family, root, path) for path in entry["pages"]]
    return found


def package(name: str, version: str, integrity: str, cache: Path) -> Path:
    """The folder of a package as the registry publishes it; its archive must have the integrity of the file."""
    folder = cache / "packages" / f"{name}-{version}"
    if not folder.exists():
        archive = cache / "archives" / f"{name}-{version}.tgz"
        archive.parent.mkdir(parents=True, exist_ok=True)
        if not archive.exists():
            subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=archive.parent, check=True)
        content = archive.read_bytes()
        digest = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
        if digest != integrity:
            raise ValueError(f"{archive} has the integrity {digest}, {FAMILIES.name} says {integrity}; delete it")
        with tarfile.open(fileobj=io.BytesIO(content)) as files:
            files.extractall(folder, filter="data")
    return folder / "package"


class Photographer:
    """A browser that makes captures of pages, spoiled or not.

    Pages are read from their folder and there is no network. DevTools commands do most of the work, because
    Playwright's own calls cost more than the rendering.
    """

    def __init__(self, playwright: Any, executable: str | None) -> None:
        # Without the flag a page in a folder may not read the rules of its own style sheets.
        browser = playwright.chromium.launch(executable_path=executable, args=["--allow-file-access-from-files"])
        context = browser.new_context(reduced_motion="reduce", service_workers="block", offline=True)
        self._tab = context.new_page()
        self._tools = context.new_cdp_session(self._tab)
        self._spoil = (HERE / "frontend_corruptions.js").read_text()

    def capture(self, page: Page, corruption: tuple[str, int, int] | None = None) -> Capture:
        """The page at both widths; `corruption` is (kind, strength, seed) of frontend_corruptions.js."""
        self._resize(WIDTHS[0])
        self._tab.goto((page.root / page.path).as_uri(), wait_until="load")
        spoil = ""
        if corruption:
            kind, strength, seed = corruption
            spoil = f"({self._spoil.strip()})({kind!r}, {strength}, {seed})"
        views = [self._view(WIDTHS[0], spoil)]
        for width in WIDTHS[1:]:
            self._resize(width)
            views.append(self._view(width, ""))
        return Capture(tuple(views))

    def _resize(self, width: int) -> None:
        metrics = {"width": width, "height": HEIGHTS[width], "deviceScaleFactor": 1, "mobile": False}
        self._tools.send("Emulation.setDeviceMetricsOverride", metrics)

    def _view(self, width: int, spoil: str) -> View:
        source = SETTLED.replace("SPOIL", spoil).replace("COLLECT", standalone_collector())
        told = self._tools.send(
            "Runtime.evaluate", {"expression": source, "awaitPromise": True, "returnByValue": True, "timeout": 20_000}
        )
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"].get("exception", {}).get("description", "the page threw"))
        answer = json.loads(told["result"]["value"])
        height = max(1, min(answer["pageHeight"], PICTURE_HEIGHT))
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        wanted = {"format": "png", "clip": clip, "captureBeyondViewport": True, "optimizeForSpeed": True}
        return View.from_page(answer, base64.b64decode(self._tools.send("Page.captureScreenshot", wanted)["data"]))


@contextmanager
def photographer(executable: str | None) -> Iterator[Photographer]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield Photographer(playwright, executable)


def kept(page: Page, corruption: tuple[str, int, int] | None, cache: Path) -> Path:
    """Where a capture is kept; the name changes with whatever the capture depends on."""
    made_of = [(HERE / "frontend_corruptions.js").read_bytes() if corruption else b"", standalone_collector().encode()]
    made_of += [repr((page.name, corruption, WIDTHS, PICTURE_HEIGHT)).encode(), (page.root / page.path).read_bytes()]
    return cache / "captures" / (hashlib.sha256(b"\0".join(made_of)).hexdigest()[:24] + ".pickle")


def load(path: Path) -> Capture:
    capture: Capture = pickle.loads(path.read_bytes())
    return capture


def keep(path: Path, capture: Capture) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".part").write_bytes(pickle.dumps(capture))
    path.with_suffix(".part").replace(path)
