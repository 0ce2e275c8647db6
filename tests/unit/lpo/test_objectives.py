"""Values and gradients of every objective, worked out by hand, and what each does with bad input."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from lpo.objectives import LossStatistics, PolicyLoss, aggregation_weights, policy_loss, response_weights
from lpo.recipe.algorithm import (
    CISPO,
    DAPO,
    GRPO,
    GSPO,
    LPO,
    Algorithm,
    DrGRPO,
    GSPOToken,
    Objective,
    algorithm_by_name,
)

# One response of four tokens in two sentences. Token ratios 1.1, 1.2 | 0.9, 0.8 (old log-probs are 0 shifted by -1).
RATIOS = [1.1, 1.2, 0.9, 0.8]
FIRST = math.sqrt(1.1 * 1.2)  # 1.14891: geometric mean of the first sentence
SECOND = math.sqrt(0.9 * 0.8)  # 0.848528
WHOLE = (1.1 * 1.2 * 0.9 * 0.8) ** 0.25  # 0.987359
SEGMENTS = torch.tensor([[0, 0, 1, 1]])


def one_response(advantage: float, objective: Objective | str, **options: object) -> tuple[PolicyLoss, Tensor]:
    """The loss and its gradient with respect to the log-probs."""
    old = torch.full((1, 4), -1.0, dtype=torch.float64)
    logp = (old + torch.tensor([RATIOS], dtype=torch.float64).log()).requires_grad_()
    result = policy_loss(
        objective, logp, old, torch.tensor([advantage], dtype=torch.float64), torch.ones(1, 4), SEGMENTS, **options
    )
    (gradient,) = torch.autograd.grad(result.loss, logp)
    return result, gradient[0]


def close(actual: Tensor, expected: list[float]) -> None:
    torch.testing.assert_close(actual, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-12)


def test_lpo_by_hand() -> None:
    # A = 2 > 0: the first sentence (1.149) is above 1.03 and clipped, the second (0.849) is free.
    # loss = -(2 tokens * 1.03 * 2 + 2 tokens * 0.848528 * 2) / 4 tokens
    result, gradient = one_response(2.0, "lpo")
    assert result.loss.item() == pytest.approx(-(2 * 1.03 * 2 + 2 * SECOND * 2) / 4, abs=1e-12)
    # d loss / d logp_t = -r_s A / tokens in a free sentence, 0 in a clipped one
    close(gradient, [0, 0, -SECOND * 2 / 4, -SECOND * 2 / 4])
    assert (result.statistics.clipped_high, result.statistics.clipped_low) == (1, 0)
    assert result.clip_fraction == 0.5
    assert result.ratio_mean == pytest.approx((FIRST + SECOND) / 2)
    assert result.ratio_max == pytest.approx(FIRST)
    assert result.clipped.tolist() == [[True, True, False, False]]
    close(result.ratio[0], [FIRST, FIRST, SECOND, SECOND])


def test_lpo_negative_advantage_clips_the_other_side() -> None:
    result, gradient = one_response(-2.0, "lpo")
    assert result.loss.item() == pytest.approx((2 * FIRST * 2 + 2 * 0.97 * 2) / 4, abs=1e-12)
    close(gradient, [FIRST * 2 / 4, FIRST * 2 / 4, 0, 0])
    assert (result.clip_fraction_low, result.clip_fraction_high) == (0.5, 0.0)


def test_lpo_asymmetric_clip() -> None:
    result, gradient = one_response(2.0, LPO(eps_low=0.03, eps_high=0.2))
    assert result.clip_fraction == 0
    close(gradient, [-FIRST / 2, -FIRST / 2, -SECOND / 2, -SECOND / 2])


def test_grpo_by_hand() -> None:
    # eps 0.2, A = 2: no ratio is above 1.2 (1.2 itself is on the edge, so it is moved to 1.15 here)
    result, gradient = one_response(2.0, GRPO(eps_high=0.15))
    assert result.loss.item() == pytest.approx(-2 * (1.1 + 1.15 + 0.9 + 0.8) / 4, abs=1e-12)
    close(gradient, [-2 * 1.1 / 4, 0, -2 * 0.9 / 4, -2 * 0.8 / 4])
    assert result.clip_fraction == 0.25


def test_grpo_averages_responses_and_token_mean_averages_tokens() -> None:
    # Lengths 1 and 3, ratio 1, advantages 1 and -1: response mean 0, token mean (1 - 3) / 4.
    zeros = torch.zeros(2, 3, dtype=torch.float64)
    mask = torch.tensor([[1, 0, 0], [1, 1, 1]])
    advantages = torch.tensor([1.0, -1.0])
    assert policy_loss("grpo", zeros, zeros, advantages, mask).loss.item() == pytest.approx(0, abs=1e-12)
    assert policy_loss("grpo_token_mean", zeros, zeros, advantages, mask).loss == 0.5


def test_dapo_clips_higher() -> None:
    # eps_high 0.28: 1.2 is free where it would be clipped at 0.15
    result, gradient = one_response(2.0, DAPO())
    close(gradient, [-2 * r / 4 for r in RATIOS])
    assert result.clip_fraction == 0
    assert DAPO().aggregation == "token_mean"


def test_dr_grpo_divides_by_the_configured_length() -> None:
    result, gradient = one_response(2.0, DrGRPO(eps_high=0.15), max_length=10)
    assert result.loss.item() == pytest.approx(-2 * (1.1 + 1.15 + 0.9 + 0.8) / 10, abs=1e-12)
    close(gradient, [-2 * 1.1 / 10, 0, -2 * 0.9 / 10, -2 * 0.8 / 10])


def test_gspo_by_hand() -> None:
    # 0.98736 < 1 - 3e-4: clipped for A < 0, free for A > 0 with d loss / d logp_t = -r A / |y|
    result, gradient = one_response(2.0, "gspo")
    assert result.loss.item() == pytest.approx(-2 * WHOLE, abs=1e-12)
    close(gradient, [-2 * WHOLE / 4] * 4)
    result, gradient = one_response(-2.0, "gspo")
    assert result.loss.item() == pytest.approx(2 * (1 - 3e-4), abs=1e-12)
    close(gradient, [0.0] * 4)
    assert (result.clip_fraction_low, result.statistics.segments) == (1.0, 1)


def test_gspo_token_equals_gspo_with_one_advantage_and_follows_tokens_with_several() -> None:
    gspo, gradient = one_response(2.0, GSPO())
    token, token_gradient = one_response(2.0, GSPOToken())
    assert token.loss.item() == pytest.approx(gspo.loss.item(), abs=1e-12)
    torch.testing.assert_close(token_gradient, gradient, rtol=0, atol=1e-12)
    old = torch.full((1, 4), -1.0, dtype=torch.float64)
    logp = (old + torch.tensor([RATIOS], dtype=torch.float64).log()).requires_grad_()
    advantages = torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=torch.float64)
    policy_loss("gspo_token", logp, old, advantages, torch.ones(1, 4)).loss.backward()
    assert logp.grad is not None
    close(logp.grad[0], [-WHOLE * a / 4 for a in (1, 2, 3, 4)])


def test_cispo_by_hand() -> None:
    # weight min(r, 1.15) detached, times A log pi: every token keeps a gradient -weight A / tokens
    result, gradient = one_response(2.0, CISPO(upper_bound=1.15))
    weights = [1.1, 1.15, 0.9, 0.8]
    logps = [math.log(r) - 1 for r in RATIOS]
    expected = -2 * sum(w * lp for w, lp in zip(weights, logps, strict=True)) / 4
    assert result.loss.item() == pytest.approx(expected, abs=1e-12)
    close(gradient, [-2 * w / 4 for w in weights])
    assert result.clip_fraction_high == 0.25


def test_dual_clip_bounds_a_negative_term() -> None:
    # A = -2, c = 1.05: the first sentence (1.149) costs c * 2 without gradient; the second is below 0.97, clipped.
    result, gradient = one_response(-2.0, LPO(dual_clip=1.05))
    assert result.loss.item() == pytest.approx((2 * 1.05 * 2 + 2 * 0.97 * 2) / 4, abs=1e-12)
    close(gradient, [0.0] * 4)
    assert result.statistics.clipped_dual == 1
    assert result.clip_fraction == 1
    # It changes nothing where the advantage is positive.
    assert one_response(2.0, LPO(dual_clip=1.05))[0].loss == one_response(2.0, LPO())[0].loss


def test_entropy_clip_widens_uncertain_sentences() -> None:
    # Entropies 3, 3 | 1, 1: response mean 2, widths 1.5 and 0.5 before the limit of 1 +- 0.2, so 1.2 and 0.8.
    # With eps 0.1 and A > 0 the first sentence is bounded at 1.12 instead of 1.1.
    entropy = torch.tensor([[3.0, 3.0, 1.0, 1.0]])
    result, _ = one_response(2.0, LPO(eps_low=0.1, eps_high=0.1, entropy_clip=0.2), entropy=entropy)
    assert result.loss.item() == pytest.approx(-(2 * 1.12 * 2 + 2 * SECOND * 2) / 4, abs=1e-7)
    # A < 0 bounds the second at 1 - 0.08.
    result, _ = one_response(-2.0, LPO(eps_low=0.1, eps_high=0.1, entropy_clip=0.2), entropy=entropy)
    assert result.loss.item() == pytest.approx((2 * FIRST * 2 + 2 * 0.92 * 2) / 4, abs=1e-7)
    with pytest.raises(ValueError, match="entropy is missing"):
        one_response(2.0, LPO(entropy_clip=0.2))
    with pytest.raises(ValueError, match="entropy is not finite"):
        one_response(2.0, LPO(entropy_clip=0.2), entropy=entropy.log().masked_fill(entropy > 2, torch.nan))
    # Where nothing is uncertain no sentence is more so than its response.
    certain, _ = one_response(2.0, LPO(entropy_clip=0.2), entropy=torch.zeros(1, 4))
    assert certain.loss == one_response(2.0, LPO())[0].loss


def test_factors_that_are_not_finite_are_refused() -> None:
    for name in ("correction", "weights"):
        with pytest.raises(ValueError, match="not finite"):
            one_response(2.0, LPO(), **{name: torch.full((1, 4), torch.nan)})
    with pytest.raises(ValueError, match="not finite"):
        one_response(2.0, LPO(), weights=torch.tensor([torch.inf]))


def test_correction_multiplies_terms_and_their_gradients() -> None:
    correction = torch.tensor([[2.0, 2.0, 0.5, 0.0]])
    result, gradient = one_response(2.0, LPO(eps_high=1.0), correction=correction)
    # Sentence 1 counts 2 + 2, sentence 2 counts 0.5 + 0; a sentence's weight is shared by the gradients of its tokens.
    assert result.loss.item() == pytest.approx(-2 * (4 * FIRST + 0.5 * SECOND) / 4, abs=1e-12)
    close(gradient, [-2 * 4 * FIRST / 4 / 2] * 2 + [-2 * 0.5 * SECOND / 4 / 2] * 2)


def test_group_and_batch_normalisers() -> None:
    # Groups of 2 + 4 and 1 + 1 tokens. Batch: 1 / 8 each. Group: 1 / 6 / 2 and 1 / 2 / 2.
    lengths, groups = torch.tensor([2, 4, 1, 1]), torch.tensor([7, 7, 3, 3])
    close(response_weights(LPO(normaliser="batch"), lengths, groups), [1 / 8] * 4)
    close(response_weights(LPO(), lengths, groups), [1 / 12, 1 / 12, 1 / 4, 1 / 4])
    # Responses: 1 / length / 4, the same for both since groups are of equal size.
    close(response_weights(GRPO(), lengths, groups), [1 / 8, 1 / 16, 1 / 4, 1 / 4])
    close(response_weights(GRPO(normaliser="group"), lengths, groups), [1 / 8, 1 / 16, 1 / 4, 1 / 4])
    close(response_weights(DrGRPO(), lengths, groups, max_length=5), [1 / 20] * 4)


def test_an_excluded_response_is_in_no_denominator() -> None:
    # The second group's only survivor and an empty third group: two groups count.
    lengths, groups = torch.tensor([2, 2, 3, 0, 0]), torch.tensor([0, 0, 1, 1, 2])
    close(response_weights(LPO(), lengths, groups), [1 / 8, 1 / 8, 1 / 6, 0, 0])
    close(response_weights(GRPO(), lengths, groups), [1 / 6, 1 / 6, 1 / 9, 0, 0])
    close(response_weights(DrGRPO(), lengths, groups, max_length=4), [1 / 12] * 3 + [0, 0])


def test_aggregation_weights_lie_on_the_tokens() -> None:
    weights = aggregation_weights(GRPO(), [1, 3], width=4)
    assert weights.tolist() == [[0.5, 0, 0, 0], [1 / 6, 1 / 6, 1 / 6, 0]]
    assert aggregation_weights(GRPO(), [1, 3]).shape == (2, 3)
    with pytest.raises(ValueError, match="width is 2"):
        aggregation_weights(GRPO(), [1, 3], width=2)


def test_statistics_add_up() -> None:
    parts = [one_response(a, "lpo")[0].statistics for a in (2.0, -2.0, 0.0)]
    total = LossStatistics.merge(parts)
    # Clipped: one sentence high, one low, none where A = 0; six sentences.
    assert total.clip_fraction == pytest.approx(2 / 6)
    assert (total.clip_fraction_low, total.clip_fraction_high) == (pytest.approx(1 / 6), pytest.approx(1 / 6))
    assert (total.segments_per_response, total.tokens_per_segment) == (2, 2)
    assert float(total.ratio_max) == pytest.approx(FIRST)
    assert total.old_kl == pytest.approx(sum(math.log(r) ** 2 / 2 for r in RATIOS) / 4)
    again = LossStatistics.from_sums(total.sums(), total.ratio_max)
    assert again.clip_fraction == total.clip_fraction
    assert LossStatistics.merge([]).clip_fraction == 0


NAMES = ["lpo", "grpo", "dapo", "dr_grpo", "gspo", "gspo_token", "cispo"]


def call(name: str, **changes: object) -> PolicyLoss:
    arguments: dict[str, object] = {
        "logp": torch.full((2, 3), -1.0, requires_grad=True),
        "old_logp": torch.full((2, 3), -1.0),
        "advantages": torch.tensor([1.0, -1.0]),
        "mask": torch.tensor([[1, 1, 1], [1, 1, 0]]),
        "segment_ids": torch.tensor([[0, 0, 1], [0, 1, -1]]),
        "max_length": 8,
    }
    return policy_loss(name, **{**arguments, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("which", ["logp", "old_logp"])
def test_a_log_prob_that_is_not_finite_is_refused(name: str, value: float, which: str) -> None:
    bad = torch.full((2, 3), -1.0)
    bad[1, 1] = value
    with pytest.raises(ValueError, match=f"{which} of response 1, token 1 is {value}"):
        call(name, **{which: bad})


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_outside_the_mask_does_not_matter(name: str) -> None:
    logp = torch.full((2, 3), -1.0)
    logp[1, 2] = float("nan")
    logp.requires_grad_()
    result = call(name, logp=logp, segment_ids=torch.tensor([[0, 0, 1], [0, 1, 99]]))
    assert result.loss == call(name).loss
    (gradient,) = torch.autograd.grad(result.loss, logp)
    assert gradient[1, 2] == 0
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_without_tokens_is_zero_and_counted(name: str) -> None:
    logp = torch.zeros(2, 3, requires_grad=True)
    result = call(name, logp=logp, mask=torch.zeros(2, 3), advantages=torch.tensor([float("nan"), 1.0]))
    result.loss.backward()
    assert result.loss == 0
    assert logp.grad is not None
    assert not logp.grad.any()
    assert (result.statistics.tokens, result.statistics.segments, result.statistics.empty_responses) == (0, 0, 2)
    assert (result.clip_fraction, result.ratio_mean) == (0, 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
def test_tensors_without_elements_give_zero(name: str, shape: tuple[int, int]) -> None:
    nothing = torch.zeros(shape)
    result = call(
        name,
        logp=nothing,
        old_logp=nothing,
        mask=nothing,
        segment_ids=nothing.long(),
        advantages=torch.zeros(shape[0]),
    )
    assert result.loss == 0


@pytest.mark.parametrize("name", NAMES)
def test_extreme_ratios_stay_finite_and_are_counted(name: str) -> None:
    for direction in (1.0, -1.0):
        for advantage in (1.0, -1.0):
            logp = torch.full((2, 3), direction * 500.0 - 1, requires_grad=True)
            result = call(name, logp=logp, advantages=torch.full((2,), advantage))
            result.loss.backward()
            assert torch.isfinite(result.loss)
            assert logp.grad is not None
            assert torch.isfinite(logp.grad).all()
            assert result.statistics.saturated == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"logp": torch.zeros(3)}, r"logp has shape \(3,\); it must be \(B, T\)"),
        ({"old_logp": torch.zeros(2, 4)}, r"old_logp has shape \(2, 4\); it must be that of logp, \(2, 3\)"),
        ({"mask": torch.ones(2)}, "mask has shape"),
        ({"segment_ids": torch.zeros(2, 2)}, "segment_ids has shape"),
        ({"advantages": torch.ones(3)}, "advantages have shape"),
        ({"advantages": torch.tensor([1.0, float("nan")])}, "advantage of response 1 is not finite"),
        ({"weights": torch.ones(3)}, "weights have shape"),
        ({"weights": torch.tensor([[0.2, 0.2, 0.0], [0.2, 0.2, 0.0]])}, "response 0 has weight 0 on some"),
        ({"correction": torch.ones(2)}, "correction has shape"),
        ({"mask": torch.full((2, 3), 0.5)}, "mask holds a value other than 0 and 1"),
        ({"mask": torch.full((2, 3), 2)}, "mask holds a value other than 0 and 1"),
        ({"group_ids": torch.zeros(5)}, "group_ids have shape"),
        ({"segment_ids": None}, "segment_ids are missing"),
        ({"segment_ids": torch.tensor([[0, 1, 0], [0, 0, 0]])}, "response 0, token 2: 0, where 1 or 2 is right"),
        ({"segment_ids": torch.tensor([[0, 0, 2], [0, 0, 0]])}, "response 0, token 2: 2, where 0 or 1 is right"),
        ({"segment_ids": torch.tensor([[0, 0, 0], [1, 1, 0]])}, "response 1, token 0: 1, where 0 is right"),
        ({"segment_ids": torch.tensor([[-1, 0, 0], [0, 0, 0]])}, "response 0, token 0: -1, where 0 is right"),
        ({"segment_ids": torch.tensor([[0, -1, 0], [0, 0, 0]])}, "response 0, token 1: -1"),
        # A skip that a step back makes up for: as many starts as the last id says, all the same wrong.
        ({"segment_ids": torch.tensor([[0, 2, 1], [0, 0, 0]])}, "response 0, token 1: 2"),
    ],
)
def test_bad_input_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call("lpo", **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"advantages": [1.0, -1.0]}, "advantages is a list; it must be a torch.Tensor"),
        ({"mask": None}, "mask is a NoneType"),
        ({"segment_ids": torch.zeros(2, 3)}, "segment_ids are torch.float32; they must be integers"),
    ],
)
def test_what_is_no_tensor_of_its_kind_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call("lpo", **changes)


def test_dr_grpo_needs_its_length() -> None:
    with pytest.raises(ValueError, match="max_length is None; algorithm 'dr_grpo'"):
        call("dr_grpo", max_length=None)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'gspo_token'"):
        call("gspo_tokn")


def test_half_precision_is_computed_in_float32() -> None:
    logp = torch.full((2, 3), -1.0, dtype=torch.bfloat16, requires_grad=True)
    assert call("lpo", logp=logp).loss.dtype == torch.float32


def test_defaults_are_those_of_the_papers() -> None:
    lpo, gspo, dapo = (algorithm_by_name(n) for n in ("lpo", "gspo", "dapo"))
    assert isinstance(lpo, LPO)
    assert isinstance(gspo, GSPO)
    assert isinstance(dapo, DAPO)
    assert (lpo.eps_low, lpo.eps_high, lpo.normaliser, lpo.entropy_clip) == (0.03, 0.03, "group", 0.0)
    assert (gspo.eps_low, gspo.eps_high, gspo.normaliser) == (3e-4, 4e-4, "batch")
    assert (dapo.eps_low, dapo.eps_high) == (0.2, 0.28)


def test_a_recipe_names_or_configures_its_algorithm() -> None:
    recipe: TypeAdapter[Objective] = TypeAdapter(Algorithm)
    assert recipe.validate_python("lpo") == LPO()
    assert recipe.validate_python("gspo_token_mean") == GSPO(aggregation="token_mean")
    assert recipe.validate_python({"name": "lpo", "eps_high": 0.05}) == LPO(eps_high=0.05)
    assert recipe.validate_python(recipe.dump_python(CISPO())) == CISPO()
    assert DrGRPO.advantage == "group_mean"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("lop", "unknown algorithm 'lop'; did you mean 'lpo'"),
        ({"eps_low": 0.1}, "give its name"),
        ({"name": "lpo", "eps_hihg": 0.1}, "eps_hihg"),
        ({"name": "lpo", "eps_low": -0.1}, "greater than 0"),
        ({"name": "lpo", "dual_clip": 1.0}, "greater than 1"),
        ({"name": "lpo", "eps_low": "0.1"}, "valid number"),
        ({"name": "dr_grpo", "aggregation": "token_mean"}, "max_length"),
        ({"name": "cispo", "eps_high": 0.2}, "eps_high"),
    ],
)
def test_a_recipe_with_a_wrong_algorithm_is_refused(value: object, message: str) -> None:
    recipe: TypeAdapter[Objective] = TypeAdapter(Algorithm)
    with pytest.raises(ValidationError, match=message):
        recipe.validate_python(value)
