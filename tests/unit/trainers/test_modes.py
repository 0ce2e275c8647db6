"""Decoupled fine-tuning: an instant and a thinking mode by system prompt, mixed in one supervised stage."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lpo.recipe.data import Data
from trainers.data import DataError, MixedOrder, PromptOrder, Row, build_dataset, worked_sets
from trainers.data.solutions import chain_sum_thoughts
from trainers.training_batch import supervised_batch


class Letters:
    """A tokenizer whose tokens are characters; its template puts every message on a line."""

    eos_token_id = 0
    chat_template = "lines"

    def __call__(self, texts: list[str], add_special_tokens: bool) -> dict[str, list[list[int]]]:
        return {"input_ids": [[ord(letter) for letter in text] for text in texts]}

    def apply_chat_template(self, messages: list[dict], tokenize: bool, add_generation_prompt: bool) -> str:
        return "".join(f"{each['role']}: {each['content']}\n" for each in messages) + "assistant: "


def text(ids: list[int]) -> str:
    return "".join(map(chr, ids))


def sets_of(folder: Path, *, template: str = "chat", max_model_len: int | None = None, **modes: Any) -> Any:
    rows = [{"prompt": f"{n} + 1?", "work": f"It is {n + 1}.", "answer": n + 1, "why": f"{n}, up"} for n in range(5)]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = {"kind": "jsonl", "path": "rows.jsonl", "response_field": "work"}
    data = Data.model_validate({"source": source, "held_out": 2, "template": template, "modes": modes})
    dataset = build_dataset(data, Letters(), folder)
    return dataset, worked_sets(data, dataset, Letters(), folder, max_model_len)


def test_each_mode_has_its_system_prompt_and_its_form(tmp_path: Path):
    dataset, (instant, thinking) = sets_of(tmp_path)
    for (short, plain), (long, thought), row in zip(instant.pairs, thinking.pairs, dataset.train_rows, strict=True):
        asked, answer = row.question, row.answer
        assert text(short.token_ids) == f"system: detailed think off\nuser: {asked}\nassistant: "
        assert text(plain) == f"It is {answer}.\0"
        assert text(long.token_ids) == f"system: detailed think on\nuser: {asked}\nassistant: "
        assert text(thought) == f"<think>It is {answer}.</think><answer>{answer}</answer>\0"


@pytest.mark.parametrize("held_out", [False, True])
def test_everything_else_runs_in_the_instant_mode(tmp_path: Path, held_out: bool):
    dataset, _ = sets_of(tmp_path, instant={"system_prompt": "quick"})
    for prompt in dataset.held_out if held_out else dataset.train:
        assert text(prompt.token_ids).startswith("system: quick\n")


def test_thoughts_and_answers_may_come_from_elsewhere(tmp_path: Path):
    (tmp_path / "mine.py").write_text("def think(row):\n    return f'{row.question} {row.columns[\"why\"]}'\n")
    dataset, (_, thinking) = sets_of(tmp_path, thinking={"thoughts": "mine.py:think", "answer_field": "why"})
    why, asked = dataset.train_rows[0].columns["why"], dataset.train_rows[0].question
    assert text(thinking.pairs[0][1]) == f"<think>{asked} {why}</think><answer>{why}</answer>\0"


def test_plain_prompts_carry_the_mode_on_their_first_line(tmp_path: Path):
    dataset, (instant, thinking) = sets_of(tmp_path, template="plain")
    question = dataset.train_rows[0].question
    assert text(instant.pairs[0][0].token_ids) == f"detailed think off\n{question}\n"
    assert text(thinking.pairs[0][0].token_ids) == f"detailed think on\n{question}\n"


@pytest.mark.parametrize(
    ("modes", "length", "said"),
    [
        ({"thinking": {"answer_field": "answr"}}, None, "unknown field 'answr'; did you mean 'answer'?"),
        ({"thinking": {"thoughts": "gone.py:think"}}, None, "data.modes.thinking.thoughts: "),
        ({}, 70, "tokens together, the model takes 70"),
    ],
)
def test_modes_that_cannot_be_had_are_refused(tmp_path: Path, modes: dict, length: int | None, said: str):
    with pytest.raises(DataError) as raised:
        sets_of(tmp_path, max_model_len=length, **modes)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"system_prompt": "x", "modes": {}}, "leave system_prompt out"),
        ({"modes": {"thinking": {"system_prompt": "detailed think off"}}}, "could not tell them apart"),
    ],
)
def test_system_prompts_that_contradict_each_other_are_refused(fields: dict, said: str):
    with pytest.raises(ValueError, match=said):
        Data.model_validate({"source": {"kind": "jsonl", "path": "x.jsonl"}, **fields})


def test_any_number_of_items_has_the_shares_of_the_weights():
    order = MixedOrder(["abcde", "XYZ"], [3.0, 1.0], seed=0)
    dealt = ""
    for taken in (1, 2, 5, 8, 100):
        dealt += "".join(order.take(taken))
        assert abs(sum(letter.islower() for letter in dealt) - 0.75 * len(dealt)) < 1
    # 116 dealt, 87 of the first set: 17 epochs of five and two more
    counts = Counter(dealt)
    assert {counts[letter] for letter in "abcde"} == {17, 18}


def test_one_set_is_dealt_in_its_own_order():
    assert MixedOrder(["abcdefg"], [2.0], seed=4).take(20) == PromptOrder("abcdefg", seed=4).take(20)


def test_a_mixed_order_resumes():
    whole = MixedOrder(["abcde", "XYZ"], [2.0, 1.0], seed=1)
    stopped = MixedOrder(["abcde", "XYZ"], [2.0, 1.0], seed=1)
    expected = whole.take(7) + whole.take(30)
    before = stopped.take(7)
    resumed = MixedOrder(["abcde", "XYZ"], [2.0, 1.0], seed=1)
    resumed.load_state_dict(json.loads(json.dumps(stopped.state_dict())))
    assert before + resumed.take(30) == expected
    with pytest.raises(ValueError, match="has 2 sets, this run has 1"):
        MixedOrder(["abcde"], [2.0], seed=1).load_state_dict(stopped.state_dict())


def test_only_responses_have_a_loss(tmp_path: Path):
    _, (instant, thinking) = sets_of(tmp_path)
    pairs = [instant.pairs[0], thinking.pairs[0]]
    samples = supervised_batch([(prompt.token_ids, response) for prompt, response in pairs])
    assert [list(each.response_ids) for each in samples] == [response for _, response in pairs]
    assert [list(each.prompt_ids) for each in samples] == [prompt.token_ids for prompt, _ in pairs]
    assert [each.weight for each in samples] == [1 / sum(len(response) for _, response in pairs)] * 2


@pytest.mark.parametrize(
    ("expression", "thoughts"),
    [
        (
            "4 + 3 - 2",
            "I start with 4. Adding 3 makes 7. Subtracting 2 makes 5. Backwards: 5 + 2 = 7, 7 - 3 = 4. That is where I "
            "started.",
        ),
        ("-3 - -5", "I start with -3. Subtracting -5 makes 2. Backwards: 2 + -5 = -3. That is where I started."),
    ],
)
def test_thoughts_on_a_sum(expression: str, thoughts: str):
    question = f"State the final answer to the following arithmetic problem: {expression} ="
    assert chain_sum_thoughts(Row(question)) == thoughts
