"""How a batch is dealt: sizes, second attempts, and when it is given up."""

from __future__ import annotations

from rewards.batch import WRONG_LENGTH, Batch, Outcome
from rewards.contract import RewardResult
from rewards.isolation.shares import GIVE_UP_AFTER, Shares


def units(count: int) -> list[tuple[int, int]]:
    return [(index, index + 1) for index in range(count)]


def said(start: int, stop: int) -> Outcome:
    return Outcome([RewardResult(float(index)) for index in range(start, stop)])


def test_outcomes_come_back_in_the_order_of_the_batch():
    shares = Shares(units(5), lambda left: 2)
    first, second, third = shares.take(), shares.take(), shares.take()
    assert [share.units for share in (first, second, third)] == [((0, 1), (1, 2)), ((2, 3), (3, 4)), ((4, 5),)]
    for share in (third, first, second):
        shares.done(share, [said(share.start, share.stop)])
    assert shares.take() is None
    assert [result.total for result in shares.outcome().results] == [0, 1, 2, 3, 4]


def test_a_failed_share_is_dealt_again_unit_by_unit_before_anything_new():
    shares = Shares([(0, 2), (2, 4), (4, 6)], lambda left: 2)
    share = shares.take()
    shares.done(share, [Outcome.failure("ValueError", 4, "trace")])
    assert shares.take().units == ((0, 2),)
    assert shares.take().units == ((2, 4),)
    assert shares.take().units == ((4, 6),)


def test_a_unit_that_fails_alone_is_invalid_and_no_other():
    shares = Shares(units(3), lambda left: 3)
    shares.lost(shares.take(), "was killed by SIGKILL", "")
    for index in range(3):
        share = shares.take()
        if index == 1:
            shares.lost(share, "was killed by SIGKILL", "good bye")
        else:
            shares.done(share, [said(share.start, share.stop)])
    outcome = shares.outcome()
    assert [result.total for result in outcome.results] == [0.0, None, 2.0]
    assert outcome.results[1].invalid == "was killed by SIGKILL"
    assert "good bye" in outcome.tracebacks["was killed by SIGKILL"]


def test_a_batch_is_given_up_when_nothing_but_losses_comes_back():
    shares = Shares(units(100), lambda left: 4)
    for _ in range(GIVE_UP_AFTER):
        shares.lost(shares.take(), "took longer than 3 s", "")
    assert shares.take() is None
    assert [result.invalid for result in shares.outcome().results] == ["took longer than 3 s"] * 100


def test_a_success_keeps_a_batch_from_being_given_up():
    shares = Shares(units(40), lambda left: 1)
    share = shares.take()
    shares.done(share, [said(0, 1)])
    for _ in range(GIVE_UP_AFTER):
        shares.lost(shares.take(), "was killed by SIGSEGV", "")
    assert shares.take() is not None


def test_a_wrong_number_of_values_for_several_discredits_the_batch_and_for_one_only_itself():
    wrong = RewardResult.unjudged(WRONG_LENGTH)
    assert Outcome.merged([said(0, 2), Outcome([wrong])]).results[0].total == 0.0
    assert {each.invalid for each in Outcome.merged([said(0, 2), Outcome([wrong, wrong])]).results} == {WRONG_LENGTH}


def test_columns_that_some_calls_did_not_log_stay_aligned_and_metrics_are_weighed():
    first = Outcome([RewardResult(1.0)] * 3, metrics={"speed": [(1.0, 3)]}, extra={"word": ["a", "b", "c"]})
    whole = Outcome.merged([first, Outcome([RewardResult(1.0)], metrics={"speed": [(5.0, 1)]})])
    assert whole.extra == {"word": ["a", "b", "c", None]}
    assert whole.metric_means() == {"speed": 2.0}


def test_units_of_a_batch():
    batch = Batch(5, {"group_ids": [0, 0, 1, 1, 1], "answer": list("abcde")})
    assert batch.units("sample") == units(5)
    assert batch.units("group") == [(0, 2), (2, 5)]
    assert batch.units("batch") == [(0, 5)]
    assert batch.part(2, 5).lists == {"group_ids": [1, 1, 1], "answer": ["c", "d", "e"]}
    assert batch.only(["answer"]).lists == {"answer": list("abcde")}
