"""A battery of rewards that do harm: each ends as a counted fault, the next call works, and nothing is left behind."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lpo.recipe.runtime import RewardSpec, RewardWorkers
from rewards import score_groups
from rewards.isolation import RewardPool
from tests.integration.rewards.plugins import hostile
from tests.unit.rewards.scoring import group, values

PLUGINS = Path(__file__).parent / "plugins"
LIMITS = RewardWorkers(workers=2, timeout_s=3.0, memory_gib=0.25)

LATE = r"took longer than 3 s"
MEMORY = r"MemoryError|used more than 256 MiB of memory"
WRONG_LENGTH = r"returned a wrong number of values"
FAULTS = {
    "raises": "ValueError",
    "exits": "SystemExit",
    "exits_at_once": "ended with code 0",
    "interrupts": "KeyboardInterrupt",
    "raises_something_rude": "_Rude",
    "hangs": LATE,
    "spins": LATE,
    "spins_deaf_to_signals": LATE,
    "stops_itself": LATE,
    "kills_itself": "was killed by SIGKILL",
    "kills_its_parent": "PermissionError",
    "kills_its_parents_group": "PermissionError",
    "kills_process_one": "PermissionError",
    "crashes": "was killed by SIGSEGV",
    "aborts": "was killed by SIGABRT",
    "alarms": "was killed by SIGALRM",
    "recurses": "RecursionError",
    "recurses_in_c": f"RecursionError|was killed by SIGSEGV|{MEMORY}|{LATE}",
    "eats_memory": MEMORY,
    "eats_memory_at_once": MEMORY,
    "eats_memory_in_children": MEMORY,
    "forks": f"started more than 128 processes|BlockingIOError|{MEMORY}|{LATE}",
    "starts_threads": f"RuntimeError|{MEMORY}|{LATE}",
    "leaves_a_daemon": "SystemExit|ended with code 3",
    "prints_a_gigabyte": "printed more than 16 MiB",
    "writes_to_stderr_without_end": "printed more than 16 MiB",
    "closes_its_files": r"ended with code \d+|closed its connection",
    "closes_its_files_and_hangs": "closed its connection",
    "answers_for_itself": "sent something that is no reply",
    "claims_a_huge_reply": "sent something that is no reply",
    "writes_outside_its_folder": "OSError",
    "deletes_what_it_finds": "OSError",
    "fills_its_folder": "OSError",
    "connects_and_waits": LATE,
    "returns_nan": "returned nan",
    "returns_infinity": "returned -inf",
    "returns_text": "returned str",
    "returns_lists": "returned list",
    "returns_nothing": "TypeError",
    "returns_one_text": "returned str",
    "returns_too_few": WRONG_LENGTH,
    "returns_too_many": WRONG_LENGTH,
    "returns_without_end": f"{MEMORY}|{LATE}",
    "returns_a_false_number": "returned _Number",
    "returns_a_strange_total": "returned str",
    "returns_a_strange_part": "component part is no number: returned str",
    "returns_notes_without_end": "recorded notes that cannot be sent: ValueError",
    "logs_no_number": "ValueError",
    "hangs_while_waiting": LATE,
    "blocks_the_loop": LATE,
    "raises_while_waiting": "RuntimeError",
}
HARMLESS = {"fine", "raises_on_bad", "exits_on_bad", "hangs_on_bad", "comes_back_twice"}


@pytest.fixture(scope="module")
def pool() -> Iterator[RewardPool]:
    with RewardPool(LIMITS, PLUGINS) as pool:
        yield pool


def spec(name: str) -> RewardSpec:
    return RewardSpec(reward=f"hostile.py:{name}")


def own_processes() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def test_every_reward_of_the_battery_is_tried():
    functions = {name for name, value in vars(hostile).items() if inspect.isfunction(value) and name[0] != "_"}
    assert functions == FAULTS.keys() | HARMLESS
    assert len(FAULTS) >= 40


@pytest.mark.parametrize("name", FAULTS)
def test_harm_ends_as_a_counted_fault_and_the_run_goes_on(pool, name):
    groups = [group("a", "x", "y")]
    report = score_groups(groups, [pool.resolve(spec(name))])
    assert values(groups) == [None, None]
    assert (report.unrewarded, sum(report.invalid.values())) == (2, 2)
    for by, cause in report.invalid:
        assert by == name
        assert re.fullmatch(FAULTS[name], cause), cause
    score_groups(groups, [pool.resolve(spec("fine"))])
    assert values(groups) == [1.0, 1.0]
    assert not (PLUGINS / "harm.txt").exists()
    assert (PLUGINS / "hostile.py").exists()


def test_harm_costs_no_other_reward_of_the_batch(pool):
    groups = [group("a", "x", "y")]
    report = score_groups(groups, [pool.resolve(spec(name)) for name in ("fine", "exits_at_once", "returns_nan")])
    assert report.means == {"fine": 1.0}
    assert [each.components["fine"] for each in groups[0].responses] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("name", "cause"),
    [("raises_on_bad", "ValueError"), ("exits_on_bad", "ended with code 4"), ("hangs_on_bad", "took longer than 3 s")],
)
def test_one_bad_response_costs_itself_only(pool, name, cause):
    groups = [group(str(number), "good", "bad" if number == 2 else "good") for number in range(16)]
    report = score_groups(groups, [pool.resolve(spec(name))])
    assert values(groups) == [None if number == 5 else 1.0 for number in range(32)]
    assert report.invalid == {(name, cause): 1}


def test_a_reward_that_comes_back_twice_is_answered_once(pool):
    groups = [group("a", "x", "y")]
    for _ in range(3):
        score_groups(groups, [pool.resolve(spec("comes_back_twice"))])
        assert values(groups) == [1.0, 1.0]


def test_a_reward_that_always_hangs_does_not_take_all_day(pool):
    groups = [group(str(number), *["x"] * 8) for number in range(32)]
    report = score_groups(groups, [pool.resolve(spec("hangs"))])
    assert report.invalid == {("hangs", "took longer than 3 s"): 256}


def test_nothing_is_left_behind():
    before = own_processes()
    with RewardPool(LIMITS, PLUGINS) as pool:
        for name in ("leaves_a_daemon", "forks", "starts_threads", "closes_its_files_and_hangs", "fine"):
            score_groups([group("a", "x", "y")], [pool.resolve(spec(name))])
    assert own_processes() == before
    daemons = [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["sleep", "3717"]]
    assert daemons == []
