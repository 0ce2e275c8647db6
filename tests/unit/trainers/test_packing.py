"""Packing: who sees whom, which hidden state predicts what, and that nothing is lost."""

import random

import torch

from trainers.packing import TrainSample, assign_to_ranks, pack, visible


def sample(group: int, prompt: list[int], response: list[int], **fields) -> TrainSample:
    return TrainSample(group=group, prompt_ids=prompt, response_ids=response, **fields)


def random_samples(seed: int, groups: int = 5, members: int = 4) -> list[TrainSample]:
    rng = random.Random(seed)
    out = []
    for group in range(groups):
        prompt = [rng.randrange(100) for _ in range(rng.randrange(1, 9))]
        out += [
            sample(group, prompt, [rng.randrange(100) for _ in range(rng.randrange(1, 12))]) for _ in range(members)
        ]
    return out


def test_layout_of_two_responses_that_share_a_prompt():
    [batch] = pack([sample(0, [7, 8, 9], [1, 2]), sample(0, [7, 8, 9], [3, 4, 5])], budget=100)
    assert batch.input_ids.tolist() == [[7, 8, 9, 1, 2, 3, 4, 5]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 3, 4, 3, 4, 5]]
    assert batch.branch.tolist() == [[0, 0, 0, 1, 1, 2, 2, 2]]
    # Both first tokens are predicted by the prompt's last hidden state, index 2.
    assert batch.predict_from.tolist() == [2, 3, 2, 5, 6]
    assert batch.targets.tolist() == [1, 2, 3, 4, 5]
    assert batch.shape == (2, 3)
    assert batch.scatter(torch.arange(1.0, 6.0)).tolist() == [[1, 2, 0], [3, 4, 5]]
    assert batch.mask().tolist() == [[1, 1, 0], [1, 1, 1]]


def test_a_token_sees_the_prompt_and_its_own_branch_up_to_itself():
    [batch] = pack([sample(0, [7, 8], [1, 2]), sample(0, [7, 8], [3])], budget=100)
    expected = [
        # 7  8  1  2  3
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 0, 0, 1],
    ]
    assert visible(batch.document, batch.branch)[0].int().tolist() == expected


def test_documents_of_one_row_do_not_see_each_other_and_padding_sees_padding():
    document, branch = torch.tensor([[0, 0, 1, 1, -1, -1]]), torch.tensor([[0, 1, 0, 1, 0, 0]])
    expected = [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 1, 1, 0, 0],
        [0, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 1, 1],
    ]
    assert visible(document, branch)[0].int().tolist() == expected


def test_rows_are_as_wide_as_the_longest_document_and_short_ones_share_a_row():
    # documents of 8, 4 and 4 tokens: one row each of 8
    samples = [sample(0, [1], list(range(7))), sample(1, [2], [5, 6, 7]), sample(2, [3], [8, 9, 10])]
    [batch] = pack(samples, budget=100)
    assert batch.input_ids.tolist() == [[1, 0, 1, 2, 3, 4, 5, 6], [2, 5, 6, 7, 3, 8, 9, 10]]
    assert batch.document.tolist() == [[0] * 8, [1] * 4 + [2] * 4]
    # the last response is predicted from tokens 12, 13, 14 of the sixteen
    assert batch.predict_from.tolist()[-3:] == [12, 13, 14]


def test_without_sharing_every_response_brings_its_prompt():
    samples = [sample(0, [7, 8, 9], [1, 2]), sample(0, [7, 8, 9], [3])]
    shared, alone = pack(samples, 100), pack(samples, 100, share_prompts=False)
    assert sum(int((batch.document >= 0).sum()) for batch in shared) == 6
    assert sum(int((batch.document >= 0).sum()) for batch in alone) == 9


def test_every_sample_is_packed_once_within_the_budget():
    samples = random_samples(seed=1)
    for budget in (12, 25, 60, 1000):
        batches = pack(samples, budget)
        assert sorted(index for batch in batches for index in batch.indices) == list(range(len(samples)))
        for batch in batches:
            longest = max(len(s.prompt_ids) + len(s.response_ids) for s in batch.samples)
            assert batch.input_ids.numel() <= max(budget, longest)
            assert (batch.document < 0).sum() <= 0.05 * batch.document.numel()
            assert [s.response_ids for s in batch.samples] == [samples[i].response_ids for i in batch.indices]


def test_a_response_longer_than_the_budget_gets_a_micro_batch_of_its_own():
    batches = pack([sample(0, [1], list(range(50))), sample(1, [2], [3])], budget=10)
    assert [batch.input_ids.numel() for batch in batches] == [51, 2]


def test_per_token_values_stand_where_their_tokens_stand():
    samples = [
        sample(0, [1], [2, 3], segment_ids=[0, 1], advantage=0.5, weight=0.25),
        sample(0, [1], [4], segment_ids=[0], advantage=-1.0, weight=0.125),
    ]
    [batch] = pack(samples, 100)
    assert batch.per_token("segment_ids", torch.long, -1).tolist() == [[0, 1], [0, -1]]
    assert batch.per_response("advantage").tolist() == [0.5, -1.0]
    assert batch.per_response("weight").tolist() == [0.25, 0.125]


def test_ranks_get_every_sample_once_and_even_loads():
    samples = random_samples(seed=2, groups=12)
    for ranks in (1, 2, 4):
        dealt = assign_to_ranks(samples, ranks, budget=64)
        assert sorted(index for part in dealt for index in part) == list(range(len(samples)))
        loads = [sum(len(samples[i].response_ids) for i in part) for part in dealt]
        assert max(loads) <= 1.5 * min(loads)


def test_groups_stay_whole_on_a_rank():
    samples = random_samples(seed=3)
    for part in assign_to_ranks(samples, 2, budget=1000):
        for group in {samples[i].group for i in part}:
            assert {i for i, s in enumerate(samples) if s.group == group} <= set(part)
