"""Real engines against transformers: log-probs, pushes, faults, deaths."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import ray

from lpo.samples import Response
from rollout.attest import WeightPushError
from rollout.fleet import Fleet
from rollout.requests import SampleRequest
from rollout.transfer.update import ObjectStoreSender, WeightUpdate

from .conftest import FAULTS, MAX_MODEL_LEN, Fleets, TinyModel

VARIANTS = ["tied llama, prepacked", "untied qwen3, prepacked", "tied qwen3, live"]


def variant(fleets: Fleets, name: str) -> tuple[Fleet, TinyModel]:
    return (fleets.pair, fleets.pair_model) if "llama" in name else fleets.others[name]


def requests(count: int = 5, **fields: object) -> list[SampleRequest]:
    return [
        SampleRequest([10 + row, 20, 30, 40], **{"samples": 3, "max_tokens": 24, "seed": row, **fields})
        for row in range(count)
    ]


def tokens(groups: list[list[Response]]) -> list[list[list[int]]]:
    return [[response.token_ids for response in group] for group in groups]


def mean_difference(left: list[float], right: list[float]) -> float:
    return float(np.mean(np.abs(np.subtract(left, right))))


def send(model: TinyModel) -> WeightUpdate:
    return ObjectStoreSender(chunk_bytes=50_000).send(model.learner.named_parameters())


def probe_of(model: TinyModel, groups: list[list[Response]]) -> tuple[list, list]:
    probe = [(request.token_ids, group[0].token_ids) for request, group in zip(requests(), groups, strict=True)]
    return probe, [model.logprobs(*each) for each in probe]


def push(fleet: Fleet, model: TinyModel, update: WeightUpdate | None = None) -> int:
    version = max(fleet.versions()) + 1
    probe = [(request.token_ids, [50, 60, 70, 80, 90, 100, 110, 120]) for request in requests()]
    fleet.push(update or send(model), probe, [model.logprobs(*each) for each in probe], version)
    return version


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("name", VARIANTS)
def test_log_probs_are_those_of_transformers(fleets: Fleets, name: str, temperature: float):
    fleet, model = variant(fleets, name)
    groups = fleet.generate(requests(temperature=temperature))
    for request, group in zip(requests(), groups, strict=True):
        assert len(group) == 3
        for response in group:
            assert len(response.logprobs) == len(response.token_ids)
            assert (
                mean_difference(response.logprobs, model.logprobs(request.token_ids, response.token_ids, temperature))
                < 1e-5
            )


@pytest.mark.parametrize("name", VARIANTS)
def test_scores_are_those_of_transformers_whatever_is_cached(fleets: Fleets, name: str):
    fleet, model = variant(fleets, name)
    sequences = [(list(range(10, 80)), list(range(80, 100))), (list(range(10, 80)), [3]), ([5], [6, 7])]
    for scores in (fleet.score(sequences), fleet.score(sequences)):
        for (prompt, response), score in zip(sequences, scores, strict=True):
            assert len(score) == len(response)
            assert mean_difference(score, model.logprobs(prompt, response)) < 1e-5


def test_greedy_decoding_takes_the_likeliest_token(fleets: Fleets):
    ((response,),) = fleets.pair.generate([SampleRequest([10, 20, 30, 40], max_tokens=8, temperature=0.0)])
    sequence = [10, 20, 30, 40]
    for token, logprob in zip(response.token_ids, response.logprobs, strict=True):
        every = [
            fleets.pair_model.logprobs(sequence, [candidate])[0]
            for candidate in range(fleets.pair_model.learner.config.vocab_size)
        ]
        assert token == int(np.argmax(every))
        assert logprob == pytest.approx(max(every), abs=1e-5)
        sequence.append(token)


def test_the_end_token_is_part_of_a_response_that_stopped(fleets: Fleets):
    responses = [
        response for group in fleets.pair.generate(requests(12, samples=8, max_tokens=64)) for response in group
    ]
    end = fleets.pair_model.learner.config.eos_token_id
    stopped = [response for response in responses if response.finish_reason == "stop"]
    assert stopped
    assert all(response.token_ids[-1] == end and end not in response.token_ids[:-1] for response in stopped)
    assert all("<end>" not in response.text for response in responses)
    truncated = [response for response in responses if response.truncated]
    assert all(len(response.token_ids) == 64 and end not in response.token_ids for response in truncated)


def test_the_same_seed_gives_the_same_tokens(fleets: Fleets):
    first = fleets.pair.generate(requests())
    again = fleets.pair.generate(requests(9))[:5]
    assert tokens(first) == tokens(again)
    assert [[r.seed for r in group] for group in first] == [[r.seed for r in group] for group in again]
    other = fleets.pair.generate([replace(request, seed=request.seed + 100) for request in requests()])
    assert tokens(first) != tokens(other)
    assert all(len({tuple(r.token_ids) for r in group}) == 3 for group in first)


def test_two_workers_give_the_tokens_of_one(fleets: Fleets):
    alone = ray.get(list(fleets.pair._workers[1].generate.options(num_returns="streaming").remote(requests(7)))[-1])
    assert tokens(fleets.pair.generate(requests(7))) == tokens(alone)


def test_progress_ends_at_the_total(fleets: Fleets):
    seen: list[tuple[int, int]] = []
    fleets.pair.generate(requests(4, samples=8, max_tokens=200), lambda finished, total: seen.append((finished, total)))
    assert seen[-1] == (32, 32)
    assert seen == sorted(seen)


def test_a_prompt_that_fills_the_context_is_refused(fleets: Fleets):
    with pytest.raises(ValueError, match=f"a prompt of {MAX_MODEL_LEN} tokens leaves no room"):
        fleets.pair.generate([SampleRequest([1] * MAX_MODEL_LEN)])
    with pytest.raises(ValueError, match="both need at least one"):
        fleets.pair.score([([1], [])])


@pytest.mark.parametrize("name", VARIANTS)
def test_a_push_brings_the_new_weights(fleets: Fleets, name: str):
    fleet, model = variant(fleets, name)
    old = fleet.generate(requests())
    for seed in (1, 2):
        model.change(seed)
        version = push(fleet, model)
    assert set(fleet.versions()) == {version}
    new = fleet.generate(requests())
    assert tokens(old) != tokens(new)
    for request, group in zip(requests(), new, strict=True):
        for response in group:
            assert response.weight_version == version
            assert mean_difference(response.logprobs, model.logprobs(request.token_ids, response.token_ids)) < 1e-5


def refuse(fleet: Fleet, model: TinyModel, match: str, update: WeightUpdate | None = None) -> None:
    """A push that must be refused, with nothing committed and nothing served; a good push mends the fleet."""
    before = fleet.versions()
    with pytest.raises(WeightPushError, match=match):
        push(fleet, model, update)
    assert fleet.versions() == before
    with pytest.raises(RuntimeError, match="cannot serve"):
        fleet.generate(requests())
    push(fleet, model)
    fleet.generate(requests(1))


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_weights_lost_inside_the_engine_are_noticed(fleets: Fleets, fault: str):
    fleet, model = fleets.pair, fleets.pair_model
    model.change(3)
    ray.get(fleet._workers[1].break_engine.remote(fault))
    # A layer that was loaded in part holds memory that nobody wrote: its log-probs are wrong, or not even finite.
    what = "nothing arrived" if fault == "nothing loads" else "arrived in part"
    refuse(fleet, model, f"rollout worker 1.*{what}")


def test_an_update_without_one_tensor_is_refused(fleets: Fleets):
    fleet, model = fleets.others["untied qwen3, prepacked"]
    model.change(4)
    update = send(model)
    partial = replace(update, entries=tuple(entry for entry in update.entries if entry.name != "lm_head.weight"))
    refuse(fleet, model, "arrived in part: lm_head.weight", partial)


def test_a_damaged_tensor_is_refused(fleets: Fleets):
    fleet, model = fleets.others["tied qwen3, live"]
    model.change(5)
    update = send(model)
    damaged = ray.get(update.chunks[1]).copy()
    damaged[100] ^= 255
    refuse(
        fleet, model, "was damaged", replace(update, chunks=(update.chunks[0], ray.put(damaged), *update.chunks[2:]))
    )


def test_a_killed_worker_is_replaced_with_the_committed_weights(fleets: Fleets):
    fleet, model = fleets.pair, fleets.pair_model
    model.change(6)
    version = push(fleet, model)
    expected = fleet.generate(requests(8))
    os.kill(fleet.processes[0].pid, signal.SIGKILL)
    assert fleet.generate(requests(8)) == expected
    assert fleet.versions() == [version, version]
    assert len(fleet.deaths) == 1
    assert fleet.deaths[0].startswith("worker 0")


def test_nothing_is_left_after_shutdown(local_ray: None, fleets: Fleets):
    # Last in the file: it ends a fleet that the others share.
    fleet, _ = fleets.others["tied qwen3, live"]
    pids = [process.pid for process in fleet.processes]
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    fleet.shutdown()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    fleet.shutdown()
