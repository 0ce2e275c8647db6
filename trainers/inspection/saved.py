"""Saved rollouts as they are looked at: responses cut into pieces, each with its ratio and clip state."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from lpo.errors import InputError
from trainers.evaluation import correct
from trainers.run_folder import RunFolder

SortKey = Literal["order", "advantage", "ratio", "reward"]
_OLDER: dict[str, Any] = {
    "components": {}, "notes": {}, "finish_reason": "–", "weight_version": "–", "tokens": "–", "question": "",
}  # fmt: skip
"""What lines of older runs may lack."""
SORT_KEYS: tuple[SortKey, ...] = ("order", "advantage", "ratio", "reward")


class _Row(TypedDict):
    """What a line must hold, and what else it may; anything more is kept as it is."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    number: int
    response: str
    question: NotRequired[str]
    reward: NotRequired[float | None]
    advantage: NotRequired[float | None]
    components: NotRequired[dict[str, float | None] | None]
    notes: NotRequired[dict[str, Any] | None]
    decoded: NotRequired[str]
    grain: NotRequired[str]
    segment_ids: NotRequired[list[int] | None]
    offsets: NotRequired[list[int]]
    ratios: NotRequired[list[float | None]]
    clips: NotRequired[list[str]]


_ROW = TypeAdapter(_Row)


class InspectionError(InputError):
    """There is nothing to look at, or a file that cannot be read. The message says what to do."""


@dataclass(frozen=True)
class Bounds:
    """Where the clip of a stage's objective acts on a ratio; None: not there."""

    objective: str = ""
    low: float | None = None
    high: float | None = None
    dual: float | None = None
    adaptive: bool = False
    """Each sentence's own bounds lie around these, by its entropy."""

    @property
    def reach(self) -> float:
        """The log-ratio at which a colour is full: twice as far from 1 as the farther bound."""
        logs = [abs(math.log(bound)) for bound in (self.low, self.high) if bound is not None and bound > 0]
        return 2 * max(logs, default=math.log(1.1))

    def strength(self, ratio: float) -> float:
        """-1 (far less likely than when it was sampled) to 1 (far more likely); 0 is a ratio of 1."""
        return max(-1.0, min(1.0, math.log(max(ratio, 1e-12)) / self.reach))


@dataclass(frozen=True)
class Piece:
    """A stretch of a response: a sentence, or a token where the objective's grain is the token."""

    text: str
    tokens: int
    sentence: int
    ratio: float | None
    clip: str
    """"" or ``low``, ``high``, ``dual``: the bound at which the piece lost its gradient."""

    @property
    def body(self) -> str:
        """The text without the white space at its end; a sign where there is none."""
        return self.text.rstrip() or self.text or "▫"

    @property
    def tail(self) -> str:
        return self.text[len(self.body) :]


@dataclass(frozen=True)
class SavedResponse:
    """One line of rollouts/*.jsonl."""

    stage: str
    step: int
    group: int
    """Number of its prompt in the step."""
    row: dict[str, Any]
    pieces: list[Piece]
    bounds: Bounds

    @property
    def recorded(self) -> bool:
        """Whether ratios were recorded: older runs have none, nor has a response that no optimiser step computed."""
        return "ratios" in self.row

    @property
    def why_not_recorded(self) -> str:
        if self.recorded:
            return ""
        if "offsets" not in self.row:
            return "ratios not recorded"  # the run is older than their recording
        if self.row.get("reward") is None:
            return "ratios not recorded: its reward is invalid, so it took no part in the step"
        if not self.row.get("advantage"):
            return "ratios not recorded: its advantage is 0, so no optimiser step computed it"
        return "ratios not recorded: no optimiser step computed it"

    @property
    def reward(self) -> float | None:
        return self.row.get("reward")

    @property
    def advantage(self) -> float:
        return float(self.row.get("advantage") or 0.0)

    @property
    def clipped(self) -> int:
        """Pieces that lost their gradient; of an objective with one ratio a response, 1 at most."""
        return sum(bool(clip) for clip in self.row.get("clips", ()))

    @property
    def segments(self) -> int:
        """Ratios that the objective had for it."""
        return len(self.row.get("ratios", ()))

    @property
    def farthest(self) -> float | None:
        """The ratio farthest from 1, by its logarithm."""
        known = [ratio for ratio in self.row.get("ratios", ()) if ratio is not None]
        return max(known, key=lambda ratio: abs(math.log(max(ratio, 1e-12))), default=None)

    @property
    def wrong(self) -> bool:
        return not correct(self.row.get("components") or {})


def select(
    responses: Iterable[SavedResponse], *, only_clipped: bool = False, wrong: bool = False, sort: SortKey = "order"
) -> list[SavedResponse]:
    """Those wanted: by advantage and reward the highest first, by ratio the farthest from 1 first."""
    kept = [each for each in responses if not (only_clipped and not each.clipped) and not (wrong and not each.wrong)]
    if sort == "advantage":
        kept.sort(key=lambda each: -each.advantage)
    elif sort == "reward":
        kept.sort(key=lambda each: -math.inf if each.reward is None else each.reward, reverse=True)
    elif sort == "ratio":
        kept.sort(key=lambda each: -abs(math.log(max(each.farthest or 1.0, 1e-12))))
    return kept


def load(
    folder: RunFolder, *, stage: str | None = None, step: int | None = None, last: int | None = None
) -> list[SavedResponse]:
    """Saved responses in the order of the run.

    Args:
        folder: the run's.
        stage: only of this stage.
        step: only of this step, counted over all stages.
        last: only of so many newest steps.

    Raises:
        InspectionError: nothing was saved, nothing of that stage or step, or a line is damaged.
    """
    files = sorted(
        (int(number), name, file)
        for file in folder.rollouts.glob("*.jsonl")
        for name, _, number in [file.stem.rpartition("-")]
        if number.isdecimal()
    )
    if not files:
        raise InspectionError(
            f"{folder.path} has no saved rollouts: set tracking.sampled_groups to 1 or more, in a recipe with a "
            "reinforcement stage"
        )
    wanted = [each for each in files if stage in (None, each[1]) and step in (None, each[0])]
    if not wanted:
        stages = ", ".join(sorted({name for _, name, _ in files}))
        what = " and ".join(
            f"{name} {value}" for name, value in (("stage", stage), ("step", step)) if value is not None
        )
        raise InspectionError(
            f"{folder.path} has no saved rollouts of {what}: there are steps {files[0][0]} to {files[-1][0]} "
            f"of {stages}"
        )
    bounds = bounds_of_stages(folder)
    return [
        response
        for number, name, file in wanted[-last if last else 0 :]
        for response in _read(file, name, number, bounds.get(name, Bounds()))
    ]


def bounds_of_stages(folder: RunFolder) -> dict[str, Bounds]:
    """By stage name, from recipe.yaml; read as plain data, since the recipe may be of an older version."""
    import yaml

    recipe = yaml.safe_load(folder.recipe_file.read_text(encoding="utf-8")) or {}
    found = {}
    for stage in recipe.get("stages") or ():
        algorithm = stage.get("algorithm")
        if isinstance(algorithm, dict):
            low, high, upper = (algorithm.get(name) for name in ("eps_low", "eps_high", "upper_bound"))
            found[stage.get("name")] = Bounds(
                objective=str(algorithm.get("name", "")),
                low=None if low is None else 1 - low,
                high=upper if high is None else 1 + high,
                dual=algorithm.get("dual_clip"),
                adaptive=bool(algorithm.get("entropy_clip")),
            )
    return found


def _read(file: Path, stage: str, step: int, bounds: Bounds) -> list[SavedResponse]:
    responses: list[SavedResponse] = []
    group, previous = -1, -1
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), start=1):
        if not line:
            continue
        try:
            row = _OLDER | dict(_ROW.validate_json(line))
            # The same prompt may be drawn twice in a step: a group begins where the numbers begin again.
            group += row["number"] <= previous or group < 0
            previous = row["number"]
            responses.append(SavedResponse(stage, step, group, row, pieces_of(row), bounds))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise InspectionError(
                f"{file}, line {number} is damaged ({_reason(error)}); remove that line to go on"
            ) from None
    return responses


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}"
    return f"{type(error).__name__}: {error}"


def pieces_of(row: dict[str, Any]) -> list[Piece]:
    """A saved response in sentences, or in tokens where it has a ratio for each of them; joined they are its text."""
    segment_ids, grain = row.get("segment_ids") or [], row.get("grain")
    ratios, clips = row.get("ratios") or [], row.get("clips") or []
    units = list(range(len(segment_ids))) if grain == "token" else segment_ids
    texts = _texts(row, units)
    firsts = _firsts(units)
    if len(texts) != len(firsts):
        return [Piece("".join(texts), len(segment_ids), 0, None, "")] if texts else []
    pieces = []
    for unit, (first, text) in enumerate(zip(firsts, texts, strict=True)):
        end = firsts[unit + 1] if unit + 1 < len(firsts) else len(units)
        index = 0 if grain == "response" else unit
        known = index < len(ratios)
        pieces.append(
            Piece(
                text, end - first, segment_ids[first], ratios[index] if known else None, clips[index] if known else ""
            )
        )
    return pieces


def _firsts(units: Sequence[int]) -> list[int]:
    return [i for i, unit in enumerate(units) if i == 0 or unit != units[i - 1]]


def _texts(row: dict[str, Any], units: Sequence[int]) -> list[str]:
    text, offsets = row.get("decoded", row["response"]), row.get("offsets")
    firsts = _firsts(units)
    if offsets is None:  # an older run: sentences of the text, if they are as many as were counted
        from lpo.segmentation import sentences

        cut = sentences(text)
        return cut if len(cut) == len(firsts) else [text]
    starts = [0 if i == 0 else max(0, offsets[first]) for i, first in enumerate(firsts)]
    texts = []
    for i, start in enumerate(starts):
        if i and start == starts[i - 1]:
            texts.append("")  # a token without text of its own: the end token, half a character
            continue
        end = next((later for later in starts[i + 1 :] if later > start), len(text))
        texts.append(text[start:end])
    return texts
