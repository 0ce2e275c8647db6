"""Phases, alpha, hard prompts, retirement; and a state that resumes to the same decisions."""

import json
import random
from collections import Counter

import pytest

from lpo.curriculum import EvoCotState, GroupOutcome
from lpo.recipe.curriculum import EvoCot

TWO_PHASES = [
    {"easy_alpha": 0.4, "hard_alpha": 0.0, "advance_at": 0.6, "min_batches": 2},
    {"easy_alpha": 0.8, "hard_alpha": 0.2},
]


def curriculum(**fields) -> EvoCotState:
    given = {"kind": "evo_cot", "prior": 0.5, "prior_weight": 4.0, "decay": 0.5, "accuracy_decay": 0.5}
    return EvoCotState(EvoCot.model_validate({**given, "phases": TWO_PHASES, **fields}), seed=7)


def group(prompt: str, right: int, total: int = 8) -> GroupOutcome:
    return GroupOutcome(prompt, right, total)


def test_alpha_follows_the_pass_rate_between_hard_and_easy():
    state = curriculum(phases=[{"easy_alpha": 0.8, "hard_alpha": 0.2}])
    assert state.alpha("new") == pytest.approx(0.2 + 0.5 * 0.6)
    state.observe([group("easy", 8), group("hard", 0)])
    assert state.alpha("easy") == pytest.approx(0.2 + 10 / 12 * 0.6)
    assert state.alpha("hard") == pytest.approx(0.2 + 2 / 12 * 0.6)
    assert state.metrics()["curriculum/alpha"] == pytest.approx(0.2 + 6 / 12 * 0.6)


def test_a_length_limit_follows_the_pass_rate_too():
    assert curriculum().length_limit("new") is None
    state = curriculum(length_limit={"easy": 20.0, "hard": 60.0})
    state.observe([group("easy", 8)])
    assert state.length_limit("new") == pytest.approx(40)
    assert state.length_limit("easy") == pytest.approx(60 - 10 / 12 * 40)


def test_a_phase_ends_when_the_measured_accuracy_gets_there_and_not_before_its_least_number_of_batches():
    state = curriculum()
    state.observe([group("a", 8), group("b", 8)])  # accuracy 1, but one batch only
    assert (state.phase, state.accuracy) == (0, 1.0)
    state.observe([group("c", 2), group("d", 2)])  # (0.5 x 2 + 0.5) / (0.5 x 2 + 2) = 1/2
    assert (state.phase, state.accuracy) == (0, pytest.approx(0.5))
    state.observe([group("e", 8), group("f", 6)])  # (0.5 x 1.5 + 1.75) / (0.5 x 3 + 2) = 2.5/3.5
    assert (state.phase, state.accuracy) == (1, pytest.approx(2.5 / 3.5))
    for _ in range(5):
        state.observe([group("g", 0)])
    assert state.phase == 1  # a policy that gets worse does not go back


def test_prompts_drawn_as_hard_ones_do_not_count_in_the_accuracy():
    state = curriculum()
    state.observe([group("a", 8), group("b", 0)], extra={"b"})
    assert state.accuracy == 1.0
    state.observe([group("b", 0)], extra={"b"})
    assert state.accuracy == 1.0


def test_prompts_passed_over_count_by_their_pass_rate():
    state = curriculum(retire_after=1)
    state.observe([group("a", 8)])
    assert state.resting("a")
    state.pass_over("a")
    state.observe([group("b", 0)])
    # (0.5 x 1 + 0 + 10/12) / (0.5 x 1 + 2)
    assert state.accuracy == pytest.approx((0.5 + 10 / 12) / 2.5)


def test_without_a_fixed_prior_the_accuracy_is_the_prior():
    state = curriculum(prior=None)
    state.observe([group("a", 8), group("b", 4)])
    assert state.rate("new") == pytest.approx(0.75)


def test_solved_prompts_rest_and_are_checked_again():
    state = curriculum(retire_after=2, recheck_after=3)
    state.observe([group("a", 8)])
    assert not state.resting("a")
    state.observe([group("a", 8)])
    assert state.resting("a")
    assert state.metrics()["curriculum/retired"] == 1
    state.observe([group("b", 4)])
    assert state.resting("a")
    state.observe([group("b", 4)])
    assert not state.resting("a")  # three batches later its turn is a re-check
    state.observe([group("a", 8)])
    assert state.resting("a")
    assert state.metrics()["curriculum/rechecked"] == 1


def test_a_prompt_that_fails_its_check_is_unstable_until_it_is_solved_again():
    state = curriculum(retire_after=1, recheck_after=1, hard_below=0.1)
    state.observe([group("a", 8)])
    assert state.draw_hard(1) == []
    state.observe([group("a", 7)])
    assert state.metrics()["curriculum/lapsed"] == 1
    assert state.rate("a") > 0.1
    assert state.draw_hard(1) == ["a"]
    state.observe([group("a", 8)])
    assert state.draw_hard(1) == []


def test_only_hard_prompts_are_drawn_and_the_harder_ones_more_often():
    state = curriculum(prior_weight=0.0, decay=0.0, hard_below=0.8)
    drawn: Counter[str] = Counter()
    for _ in range(4000):
        # pass rates 0, 1/2 and 1, and one prompt that was never seen
        state.observe([group("never right", 0), group("half", 4), group("always right", 8)])
        drawn.update(state.draw_hard(1))
    # In proportion to 1 - rate: 1 and 1/2. The standard deviation of 4000 draws at 2/3 is 30.
    assert set(drawn) == {"never right", "half"}
    assert drawn["never right"] == pytest.approx(4000 * 2 / 3, abs=120)


def test_hard_prompts_are_drawn_once_each():
    state = curriculum()
    state.observe([group(name, 1) for name in "abcde"])
    assert sorted(state.draw_hard(10)) == list("abcde")
    assert len(set(state.draw_hard(3))) == 3


def test_responses_without_a_verdict_say_nothing():
    state = curriculum()
    state.observe([group("a", 0, total=0)])
    assert state.rate("a") == 0.5
    assert state.metrics()["curriculum/seen"] == 0


def play(state: EvoCotState, batches: range) -> list:
    """Batches of outcomes that depend on their number only; what the curriculum decided after each."""
    decisions = []
    for number in batches:
        chance = random.Random(number)
        hard = state.draw_hard(3)
        names = {*hard, *(f"p{chance.randrange(40)}" for _ in range(5))}
        for name in sorted(names):
            if state.resting(name):
                state.pass_over(name)
        state.observe([group(name, min(8, chance.randrange(4, 14))) for name in sorted(names)], extra=frozenset(hard))
        decisions.append((hard, [state.alpha(name) for name in sorted(names)], state.metrics()))
    return decisions


@pytest.mark.parametrize("stopped_at", [1, 17, 49])
def test_a_resumed_curriculum_decides_as_the_uninterrupted_one(stopped_at: int):
    whole = play(curriculum(retire_after=1, recheck_after=4), range(50))
    assert whole[-1][2]["curriculum/retired"] > 0
    state = curriculum(retire_after=1, recheck_after=4)
    before = play(state, range(stopped_at))
    resumed = curriculum(retire_after=1, recheck_after=4)
    resumed.load_state_dict(json.loads(json.dumps(state.state_dict())))
    assert before + play(resumed, range(stopped_at, 50)) == whole


def test_another_seed_draws_others():
    states = [curriculum(), EvoCotState(EvoCot(kind="evo_cot", prior=0.5), seed=8)]
    for state in states:
        state.observe([group(f"p{number}", 1) for number in range(30)])
    assert states[0].draw_hard(5) != states[1].draw_hard(5)


def test_a_state_of_another_recipe_is_refused():
    state = curriculum()
    state.observe([group("a", 8)])
    state.observe([group("a", 8)])
    assert state.phase == 1
    one_phase = curriculum(phases=[{"easy_alpha": 0.5}])
    with pytest.raises(ValueError, match="in phase 1, this recipe has 1; resume with the recipe"):
        one_phase.load_state_dict(state.state_dict())
