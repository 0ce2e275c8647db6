"""Rewards in processes of their own say what they say in this one, and their faults stay theirs."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from lpo.recipe.runtime import RewardSpec, RewardWorkers
from rewards import RewardError, TrainerState, resolve, score_groups
from rewards.isolation import RewardPool
from tests.unit.rewards.scoring import group, values

PLUGINS = Path(__file__).parent / "plugins"


@pytest.fixture(scope="module")
def pool():
    with RewardPool(RewardWorkers(workers=2, timeout_s=20), PLUGINS) as pool:
        yield pool


def spec(name: str, **fields) -> RewardSpec:
    return RewardSpec(reward=f"ordinary.py:{name}", **fields)


def test_a_reward_says_the_same_in_a_process_of_its_own(pool):
    given = spec("detailed", weight=0.5, params={"scale": 2.0})
    groups = [group("a", "x", "yy", answer="x"), group("b", "zzz", "", answer="w")]
    reports = []
    for reward in (resolve(given, base_dir=PLUGINS), pool.resolve(given)):
        report = score_groups(groups, [reward], TrainerState(global_step=7))
        assert values(groups) == [1.0, 2.0, 3.0, 0.0]
        assert groups[0].responses[0].components == {"detailed": 2.0, "detailed/right": 1.0}
        assert report.extra == {"first": ["x", "y", "z", ""]}
        assert report.metrics == {"letters": pytest.approx(6 / 4)}  # a mean over responses, however they were dealt
        reports.append(report)
    here, there = reports
    assert there.means == here.means
    assert (there.samples, there.unrewarded, there.invalid) == (4, 0, {})
    # What JSON cannot say arrives as text.
    assert there.info[1] == {"detailed": {"read": "yy", "kept": "{1, 2}", "step": 7}}


def test_rewards_written_for_trl_run_unchanged_in_workers(pool):
    groups = [group("a", "it is 4", "it is 5", "long 4", chat=True, answer="4")]
    report = score_groups(groups, pool.resolve_all([spec("accuracy"), spec("short")]), TrainerState(global_step=1))
    assert values(groups) == [2.5, 0.5, 2.0]
    assert report.metrics == {"accuracy": pytest.approx(2 / 3)}
    assert report.extra == {"right": ["4", "4", "4"]}
    assert report.not_applicable == {"short": 1}


def test_a_batch_is_dealt_to_all_workers_and_groups_stay_together_where_that_matters(pool):
    groups = [group(str(number), *["x" * (number + 1)] * 8) for number in range(8)]
    score_groups(groups, [pool.resolve(spec("one_process"))])
    assert 1 <= len(set(values(groups))) <= 2
    report = score_groups(groups, [pool.resolve(spec("biggest_call"))])
    assert 1 < report.means["biggest_call"] < 64
    score_groups(groups, [pool.resolve(spec("biggest_call", scope="batch"))])
    assert set(values(groups)) == {64.0}
    score_groups(groups, [pool.resolve(spec("biggest_call", scope="group"))])
    assert all(value % 8 == 0 for value in values(groups))
    mixed = [group(str(number), "x", "xx", "xxx") for number in range(9)]
    score_groups(mixed, [pool.resolve(spec("rank"))])
    assert values(mixed) == [0.0, 0.0, 1.0] * 9


def test_a_failing_call_is_repeated_for_each_response(pool):
    groups = [group("a", "x", ""), group("b", "xx", "xxxx")]
    report = score_groups(groups, [pool.resolve(spec("fragile"))])
    assert values(groups) == [1.0, None, 0.5, 0.25]
    assert report.invalid == {("fragile", "ZeroDivisionError"): 1}
    assert "1 / len(text)" in report.tracebacks["fragile", "ZeroDivisionError"]
    # The call that failed logged a column as well; it counts for nothing.
    assert report.extra == {"length": [1, None, 2, 4]}


def test_an_async_reward_is_called_for_all_responses_at_one_time(pool):
    groups = [group("a", *["x"] * 32)]
    score_groups(groups, [pool.resolve(spec("patient"))])
    assert sorted(values(groups)) == list(range(1, 33))


def test_an_async_reward_may_say_how_many_calls_it_takes_at_one_time(pool):
    for reward in (pool.resolve(spec("FewAtATime")), resolve(spec("FewAtATime"), base_dir=PLUGINS)):
        groups = [group("a", *["x"] * 32)]
        score_groups(groups, [reward])
        assert max(values(groups)) == reward.concurrency == 3


def test_an_async_call_that_overstays_costs_itself_and_no_process():
    with RewardPool(RewardWorkers(workers=1, timeout_s=1.0), PLUGINS) as pool:
        process, stuck = pool.resolve(spec("one_process")), pool.resolve(spec("stuck_on_some"))
        groups = [group("a", "fine", "stuck", "fine")]
        score_groups(groups, [process])
        before = values(groups)
        report = score_groups(groups, [stuck])
        assert values(groups) == [1.0, None, 1.0]
        assert report.invalid == {("stuck_on_some", "took longer than 1 s"): 1}
        score_groups(groups, [process])
        assert values(groups) == before


def test_a_failed_call_that_leaves_processes_costs_the_next_one_nothing():
    with RewardPool(RewardWorkers(workers=1, timeout_s=20), PLUGINS) as pool:
        counts, fails, leaves = map(
            pool.resolve, map(spec, ("calls_of_this_process", "fails", "fails_and_leaves_a_child"))
        )
        seen = []
        for reward in (counts, fails, counts, leaves, counts):
            groups = [group("a", "x")]
            report = score_groups(groups, [reward])
            seen.append(values(groups)[0])
            assert report.invalid == ({} if reward is counts else {(reward.name, "RuntimeError"): 1})
        # The process goes on after a mere failure; after the other one there is a new process.
        assert seen == [1.0, None, 2.0, None, 1.0]


def test_what_a_reward_prints_is_kept_and_not_shown(pool, capfd):
    groups = [group("a", "x")]
    report = score_groups(groups, [pool.resolve(spec("chatty"))])
    assert values(groups) == [1.0]
    assert sorted(report.printed["chatty"].split("\n")) == ["a word on stdout", "and one on stderr", "no line end"]
    assert capfd.readouterr() == ("", "")


def test_an_instance_lives_as_long_as_its_worker():
    with RewardPool(RewardWorkers(workers=1), PLUGINS) as pool:
        counter = pool.resolve(spec("Counter", params={"start": 5}))
        groups = [group("a", "x")]
        seen = []
        for _ in range(3):
            score_groups(groups, [counter])
            seen += values(groups)
        assert seen == [6.0, 7.0, 8.0]


def test_what_cannot_be_resolved_is_refused_as_it_is_without_isolation(pool):
    for given, columns in [
        (RewardSpec(reward="maths"), None),
        (RewardSpec(reward="gone.py:f"), None),
        (spec("detailed"), ["solution"]),
        (spec("detailed", params={"answer": 1, "scales": 2}), None),
        (RewardSpec(reward="soft_overlong", params={"max_tokens": 4, "buffer": 5}), None),
    ]:
        messages = []
        for find in (lambda *a, **k: resolve(*a, base_dir=PLUGINS, **k), pool.resolve):
            with pytest.raises(RewardError) as refusal:
                find(given, columns=columns)
            messages.append(str(refusal.value))
        assert messages[0] == messages[1]


def test_two_rewards_of_one_name_are_refused(pool, tmp_path):
    with pytest.raises(RewardError, match="are both called 'letters'"):
        pool.resolve_all([spec("letters"), spec("letters", weight=2.0)])


def test_a_plugin_that_ends_its_process_when_imported_is_refused(tmp_path):
    (tmp_path / "rude.py").write_text("import os, sys\nsys.stderr.write('good bye')\nsys.stderr.flush()\nos._exit(7)\n")
    with (
        RewardPool(RewardWorkers(workers=1), tmp_path) as pool,
        pytest.raises(RewardError, match=r"'rude.py:f' does not load: its process ended with code 7\ngood bye"),
    ):
        pool.resolve(RewardSpec(reward="rude.py:f"))


def test_a_plugin_that_hangs_when_imported_is_refused_in_the_time_that_the_recipe_gives_it(tmp_path):
    (tmp_path / "slow.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(600)\n")
    with (
        RewardPool(RewardWorkers(workers=1, import_timeout_s=0.5), tmp_path) as pool,
        pytest.raises(RewardError) as refusal,
    ):
        pool.resolve(RewardSpec(reward="slow.py:f"))
    first, printed = str(refusal.value).split("\n")[:2]
    assert "its process took longer than 0.5 s (reward_workers.import_timeout_s)" in first
    assert printed == "loading"


def test_no_process_is_left_when_a_pool_is_closed():
    me = psutil.Process()
    before = set(me.children(recursive=True))
    with RewardPool(RewardWorkers(workers=2), PLUGINS) as pool:
        pool.warm([pool.resolve(spec("letters"))])
        during = set(me.children(recursive=True)) - before
        assert len(during) >= 4  # a guard and a worker each
    assert set(me.children(recursive=True)) - before == set()
    assert not any(process.is_running() for process in during)
