"""Rewards as authors write them, for the tests of isolation."""

import asyncio
import os
import subprocess
import sys

from rewards import RewardResult


def letters(responses, **columns):
    return [float(len(text)) for text in responses]


def detailed(responses, answer, log_metric, log_extra, trainer_state, scale=1.0):
    log_metric("letters", sum(map(len, responses)) / len(responses))
    log_extra("first", [text[:1] for text in responses])
    step = trainer_state.global_step
    return [
        RewardResult(scale * len(text), {"right": float(text == right)}, {"read": text, "kept": {1, 2}, "step": step})
        for text, right in zip(responses, answer, strict=True)
    ]


def accuracy(completions, answer, log_extra, log_metric, trainer_state, **kwargs):
    """In the style of TRL's documentation."""
    contents = [completion[0]["content"] for completion in completions]
    scores = [1.0 if right in content else 0.0 for content, right in zip(contents, answer, strict=True)]
    log_extra("right", answer)
    log_metric("accuracy", sum(scores) / len(scores))
    return [score * (trainer_state.global_step + 1) for score in scores]


async def short(completions, **kwargs):
    await asyncio.sleep(0)
    return [None if "long" in completion[0]["content"] else 0.5 for completion in completions]


def one_process(responses):
    return [float(os.getpid())] * len(responses)


def biggest_call(responses):
    """How many responses came in one call."""
    return [float(len(responses))] * len(responses)


def rank(responses, group_ids):
    """1 for the longest of its group, which takes the whole group."""
    longest = {each: max(len(t) for t, g in zip(responses, group_ids, strict=True) if g == each) for each in group_ids}
    return [float(len(text) == longest[each]) for text, each in zip(responses, group_ids, strict=True)]


def fragile(responses, log_extra):
    log_extra("length", [len(text) for text in responses])
    return [1 / len(text) for text in responses]


under_way = 0


class FewAtATime:
    """How many calls were under way when this one was, at most."""

    concurrency = 3

    def __init__(self):
        self.under_way = 0

    async def __call__(self, responses):
        self.under_way += 1
        seen = self.under_way
        await asyncio.sleep(0.001)
        self.under_way -= 1
        return [seen]


async def patient(responses):
    """How many calls were under way when this one was done."""
    global under_way
    under_way += 1
    await asyncio.sleep(0.05)
    seen, under_way = under_way, under_way - 1
    return [float(seen) for _ in responses]


async def stuck_on_some(responses):
    if "stuck" in responses:
        await asyncio.sleep(60)
    return [1.0 for _ in responses]


def chatty(responses):
    print("a word on stdout")
    os.write(2, b"and one on stderr\n")
    sys.stdout.write("no line end")
    return [1.0 for _ in responses]


class Counter:
    """Keeps what it made once."""

    def __init__(self, start: int) -> None:
        self.made = start

    def __call__(self, responses):
        self.made += 1
        return [float(self.made)] * len(responses)


CALLS = []


def calls_of_this_process(responses):
    CALLS.append(1)
    return [float(len(CALLS))] * len(responses)


def fails(responses):
    raise RuntimeError("nothing was started")


def fails_and_leaves_a_child(responses):
    subprocess.Popen(["sleep", "60"])
    raise RuntimeError("one was started")
