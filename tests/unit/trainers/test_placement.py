"""What a run asks of a cluster, and what it is told when there is no room."""

import pytest

from lpo.recipe import Recipe
from tests.unit.trainers.bare_recipe import recipe
from trainers.placement import ClusterError, check_fits, layout, no_room


def apart(ranks: int, threads: int, workers: int, engine_threads: int = 1) -> Recipe:
    return recipe(
        learner={"ranks": ranks, "threads": threads},
        engine={"workers": workers, "threads": engine_threads},
        cluster={"colocate": False},
    )


def cpus(*amounts: float) -> list[dict[str, float]]:
    return [{"CPU": amount, "GPU": 0.0} for amount in amounts]


def refusal(run: Recipe, nodes: list[dict[str, float]]) -> str:
    with pytest.raises(ClusterError) as caught:
        check_fits(run, nodes)
    return str(caught.value)


def test_on_cpus_the_workers_sit_in_the_learners_bundles():
    asked = layout(recipe(learner={"ranks": 2, "threads": 3}, engine={"workers": 3}))
    assert asked.bundles == [{"CPU": 3}, {"CPU": 3}]
    assert (asked.learner, asked.rollout, asked.colocated) == ([0, 1], [0, 1, 0], True)


def test_apart_everyone_has_a_bundle():
    asked = layout(apart(1, 2, 2, engine_threads=4))
    assert asked.bundles == [{"CPU": 2}, {"CPU": 4}, {"CPU": 4}]
    assert (asked.learner, asked.rollout) == ([0], [1, 2])


def test_on_gpus_a_rank_has_one_and_an_engine_as_many_as_it_is_parallel():
    asked = layout(recipe(device="cuda", learner={"ranks": 2}, engine={"workers": 1, "tensor_parallel": 4}))
    assert asked.bundles == [{"CPU": 1, "GPU": 1}, {"CPU": 1, "GPU": 1}, {"CPU": 1, "GPU": 4}]


def test_unset_threads_are_this_machines_cores_divided_by_the_ranks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    assert layout(recipe(learner={"ranks": 2})).bundles == [{"CPU": 3}, {"CPU": 3}]


def test_too_much_in_sum_names_parts_and_fields():
    said = refusal(apart(1, 2, 2), cpus(2, 1))
    assert "needs 4 CPU (1 learner rank of 2 CPU and 2 rollout workers of 1 CPU) and the 2 nodes have 3" in said
    assert "engine.workers" in said


def test_a_part_that_is_larger_than_every_node():
    assert "one learner rank needs 3 CPU on one node, and the largest of the 2 nodes has 2" in refusal(
        recipe(learner={"threads": 3}), cpus(2, 2)
    )


def test_missing_gpus_are_named():
    said = refusal(recipe(device="cuda"), cpus(64))
    assert "needs 2 GPU (1 learner rank of 1 GPU and 1 rollout worker of 1 GPU) and the machine has 0" in said


@pytest.mark.parametrize(
    ("ranks", "threads", "workers", "engine_threads", "nodes", "fits"),
    [
        (1, 2, 1, 2, (2, 2), True),
        (1, 3, 1, 1, (2, 2), False),  # 4 of 4, but 3 is larger than a node
        (2, 2, 1, 2, (3, 3), False),  # 6 of 6: each node holds one part of 2 and leaves 1
        (2, 2, 1, 2, (3, 3, 2), True),
        (1, 2, 4, 1, (4, 2), True),
        # the two ranks must go together into the large node: 3 + 3 there, 2 + 2 in the other
        (2, 3, 2, 2, (6, 4), True),
        (2, 3, 2, 2, (5, 5), True),  # 3 + 2 in each
        (2, 3, 2, 2, (4, 6), True),
        (2, 3, 2, 2, (4, 4, 2), False),  # each node of 4 holds a rank and leaves 1; one worker in 2, one nowhere
    ],
)
def test_the_division_into_nodes_is_exact(
    ranks: int, threads: int, workers: int, engine_threads: int, nodes: tuple[float, ...], fits: bool
):
    run = apart(ranks, threads, workers, engine_threads)
    if fits:
        check_fits(run, cpus(*nodes))
    else:
        refusal(run, cpus(*nodes))


def test_enough_in_sum_that_cannot_be_divided_lists_the_nodes():
    assert "the nodes (3 CPU, 3 CPU) are enough in sum but cannot be divided so" in refusal(
        apart(2, 2, 1, 2), cpus(3, 3)
    )


def test_the_message_of_a_wait_that_ended_names_what_is_short():
    said = no_room(apart(1, 2, 1), {"CPU": 4.0, "GPU": 2.0}, {"CPU": 1.0, "GPU": 2.0})
    assert "too few CPU are free (CPU: 3 asked for, 4 exist, 1 free)" in said
    said = no_room(apart(1, 2, 1), {"CPU": 4.0}, {"CPU": 3.0})
    assert "what is free lies on nodes too small for it (CPU: 3 asked for, 4 exist, 3 free)" in said
