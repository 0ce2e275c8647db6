"""Did a push of weights arrive? Judged by log-probs, because engines lose weights without an error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lpo.errors import RunError

LogProbs = Sequence[Sequence[float]]
"""Log-probs of the response tokens of each probe sequence."""

NOISE_FLOOR = {"float32": 2e-5, "bfloat16": 2e-2}
"""Above what the log-probs of the same weights differ by in two implementations, on average, by dtype. Measured in
float32: 1e-6 with two layers, 6e-6 to 8e-6 with the 30 layers of SmolLM2-135M."""

TOLERANCE = 0.02
LOOSEST = 0.1


class WeightPushError(RunError):
    """New weights did not reach the engines, or not all of them. The version was not committed; the run must stop."""


@dataclass(frozen=True)
class Attestation:
    """Mean absolute differences of log-probs over the probe's tokens; infinite where the engine's are not finite."""

    changed: float
    """|before - learner|: what the push had to change."""
    residual: float
    """|after - learner|: what is left of it."""
    moved: float
    """|after - before|: what the engine's own log-probs did."""
    bound: float
    """Largest ``residual`` that is accepted."""
    tokens: int

    @property
    def accepted(self) -> bool:
        return self.residual <= self.bound

    def explain(self) -> str:
        """One sentence on a push that was refused."""
        numbers = (
            f"on {self.tokens} probe tokens the push should have changed log-probs by {self.changed:.3g} on average, "
            f"the engine's moved by {self.moved:.3g} and are {self.residual:.3g} from the learner's "
            f"(at most {self.bound:.3g} is accepted)"
        )
        if math.isfinite(self.moved) and self.moved <= LOOSEST * self.changed:
            return f"nothing arrived: {numbers}"
        finite = "" if math.isfinite(self.residual) else "the engine's log-probs are not finite after the push: "
        return f"the weights arrived in part, or damaged: {finite}{numbers}"


def attest(before: LogProbs, after: LogProbs, learner: LogProbs, *, noise_floor: float) -> Attestation:
    """Compare one engine's log-probs before and after a push with the learner's.

    All three are at temperature 1 on the same probe tokens. With c = mean |before - learner| and f the noise floor, the
    bound is min(0.1 c, 0.02 c + f), so never looser than a tenth of what the push changed. Below c = 10 f a tenth is
    less than the noise of a perfect push; the bound is f there: the checksums of what arrived decide, and the log-probs
    only have to agree to within noise. A stale engine is caught as soon as its arrears exceed f. An engine that a
    damaged push left with log-probs that are not finite has no c: what mends it must agree to within f.

    Raises:
        ValueError: the three do not cover the same tokens, or there are none.
        WeightPushError: the learner's are not finite.
    """
    shapes = [[len(sequence) for sequence in each] for each in (before, after, learner)]
    if shapes[0] != shapes[1] or shapes[1] != shapes[2]:
        raise ValueError(
            f"probe log-probs before, after and of the learner have lengths {shapes}; they must be the same"
        )
    tokens = sum(shapes[0])
    if tokens == 0:
        raise ValueError("the probe has no response tokens; a push needs at least one to be attested")
    if not all(math.isfinite(value) for sequence in learner for value in sequence):
        raise WeightPushError(
            "the learner's own log-probs on the probe are not finite: training diverged, there is nothing right to "
            "push. Resume from the last checkpoint with a lower optimizer.learning_rate"
        )
    changed = _mean_difference(before, learner)
    tells = noise_floor / LOOSEST <= changed < math.inf
    bound = min(LOOSEST * changed, TOLERANCE * changed + noise_floor) if tells else noise_floor
    return Attestation(changed, _mean_difference(after, learner), _mean_difference(after, before), bound, tokens)


def _mean_difference(left: LogProbs, right: LogProbs) -> float:
    differences = [abs(a - b) for x, y in zip(left, right, strict=True) for a, b in zip(x, y, strict=True)]
    return math.fsum(differences) / len(differences) if all(map(math.isfinite, differences)) else math.inf
