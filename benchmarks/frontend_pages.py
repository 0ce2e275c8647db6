"""Well-made pages to measure the aesthetics metrics with: got from the npm registry, served to a browser, photographed.

The families are those of frontend_families.yaml. Packages and captures go to a cache outside the repository
(`--cache`, by default `~/.cache/lpo/frontend`); captures are kept, since rendering costs most of the time.
"""

import base64
import gzip
import hashlib
import io
import mimetypes
import pickle
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from rewards.frontend.capture import HEIGHTS, PICTURE_HEIGHT, WIDTHS, Capture, View, collector

HERE = Path(__file__).parent
FAMILIES = HERE / "frontend_families.yaml"
CACHE = Path.home() / ".cache" / "lpo" / "frontend"
ORIGIN = "https://page.test"

STILL = """() => {
  const style = document.createElement("style");
  style.id = "still";
  style.textContent = "*,*::before,*::after{animation-duration:0s!important;animation-delay:0s!important;" +
    "transition:none!important;scroll-behavior:auto!important;caret-color:transparent!important}";
  document.head.append(style);
}"""


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
    """A browser that makes captures of pages, spoiled or not."""

    def __init__(self, playwright: Any, executable: str | None) -> None:
        self._browser = playwright.chromium.launch(executable_path=executable)
        self._spoil = (HERE / "frontend_corruptions.js").read_text()

    def capture(self, page: Page, corruption: tuple[str, int, int] | None = None) -> Capture:
        """The page at both widths; `corruption` is (kind, strength, seed) of frontend_corruptions.js."""
        width = WIDTHS[0]
        context = self._browser.new_context(
            viewport={"width": width, "height": HEIGHTS[width]}, reduced_motion="reduce", service_workers="block"
        )
        try:
            context.route("**/*", lambda route: _serve(route, page.root))
            tab = context.new_page()
            tab.goto(f"{ORIGIN}/{page.path}", wait_until="load")
            tab.evaluate(STILL)
            tab.wait_for_timeout(150)
            if corruption:
                tab.evaluate(f"({self._spoil})({corruption[0]!r}, {corruption[1]}, {corruption[2]})")
            return Capture(tuple(_view(tab, width) for width in WIDTHS))
        finally:
            context.close()


def _view(tab: Any, width: int) -> View:
    tab.set_viewport_size({"width": width, "height": HEIGHTS[width]})
    tab.wait_for_timeout(80)
    answer = tab.evaluate(collector())
    height = max(1, min(answer["pageHeight"], PICTURE_HEIGHT))
    picture = tab.screenshot(
        full_page=True, animations="disabled", clip={"x": 0, "y": 0, "width": width, "height": height}
    )
    return View.from_page(answer, picture)


def _serve(route: Any, root: Path) -> None:
    where = urlsplit(route.request.url)
    file = (root / unquote(where.path).lstrip("/")).resolve()
    if f"{where.scheme}://{where.netloc}" != ORIGIN or not file.is_relative_to(root.resolve()) or not file.is_file():
        route.abort()
        return
    route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0] or "text/plain")


@contextmanager
def photographer(executable: str | None) -> Iterator[Photographer]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield Photographer(playwright, executable)


def kept(page: Page, corruption: tuple[str, int, int] | None, cache: Path) -> Path:
    """Where a capture is kept; the name changes with whatever the capture depends on."""
    made_of = [(HERE / "frontend_corruptions.js").read_bytes() if corruption else b"", collector().encode()]
    made_of += [repr((page.name, corruption, WIDTHS, PICTURE_HEIGHT)).encode(), (page.root / page.path).read_bytes()]
    return cache / "captures" / (hashlib.sha256(b"\0".join(made_of)).hexdigest()[:24] + ".pickle.gz")


def load(path: Path) -> Capture:
    capture: Capture = pickle.loads(gzip.decompress(path.read_bytes()))
    return capture


def keep(path: Path, capture: Capture) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".part").write_bytes(gzip.compress(pickle.dumps(capture), 1))
    path.with_suffix(".part").replace(path)
