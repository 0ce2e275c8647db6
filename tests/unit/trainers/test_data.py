"""The split, the rendering, the order and the worked responses of a run's prompts."""

import json

import pytest

from lpo.recipe.data import Data
from trainers.data import DataError, PromptOrder, Row, build_dataset, worked_sets
from trainers.data.solutions import chain_sum, chain_sum_chatty
from trainers.data.split import held_out_keys, question_key


class Letters:
    """A tokenizer whose tokens are characters; its template puts every message on a line."""

    eos_token_id = 0
    chat_template = "lines"
    adds = ()

    def __call__(self, texts, add_special_tokens):
        return {
            "input_ids": [
                [ord(letter) for letter in text] + (list(self.adds) if add_special_tokens else []) for text in texts
            ]
        }

    def apply_chat_template(self, messages, tokenize, add_generation_prompt):
        assert not tokenize
        return (
            "".join(f"{message['role']}: {message['content']}\n" for message in messages)
            + "assistant: " * add_generation_prompt
        )


def text_of(prompt):
    return "".join(map(chr, prompt.token_ids))


@pytest.fixture
def build(tmp_path):
    def call(rows, tokenizer=None, *, seed=0, max_model_len=None, held_out=2, **fields):
        (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
        source = {"kind": "jsonl", "path": "rows.jsonl", **fields.pop("source", {})}
        data = Data(source=source, held_out=held_out, **fields)
        return build_dataset(data, tokenizer or Letters(), tmp_path, seed, max_model_len)

    return call


def questions(count):
    return [{"prompt": f"What is {number} + 1?", "answer": str(number + 1)} for number in range(count)]


def refusal(call, *args, **kwargs):
    with pytest.raises(DataError) as raised:
        call(*args, **kwargs)
    return str(raised.value)


# Distinct questions and their split


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 2?", "what  IS\n2? "),
        ("ﬁve ２", "five 2"),
        ("STRASSE", "straße"),
        ("a\u00a0b", "a b"),
        ("é", "e\u0301"),
    ],
)
def test_questions_that_differ_in_form_only_are_one(one, other):
    assert question_key(one) == question_key(other)


def test_the_key_of_messages_is_the_text_of_all_of_them():
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}]
    assert question_key(asked) == "be brief. 2+2?"
    assert question_key(asked) != question_key(asked[1:])


def test_duplicates_are_removed_before_the_split(build):
    rows = [*questions(10), {"prompt": "WHAT is 3 +  1?", "answer": "wrong"}]
    dataset = build(rows, held_out=4)
    assert (len(dataset.train), len(dataset.held_out), dataset.duplicates) == (6, 4, 1)
    keys = [question_key(prompt.question) for prompt in (*dataset.train, *dataset.held_out)]
    assert len(set(keys)) == 10
    assert "wrong" not in [prompt.columns["answer"] for prompt in (*dataset.train, *dataset.held_out)]


def test_the_split_depends_on_the_data_seed_and_not_on_the_run_seed_or_the_order_of_rows(build):
    held_out = {prompt.id for prompt in build(questions(40), held_out=10).held_out}
    assert {prompt.id for prompt in build(questions(40), held_out=10, seed=5).held_out} == held_out
    assert {prompt.id for prompt in build(questions(40)[::-1], held_out=10).held_out} == held_out
    reseeded = Data(source={"kind": "jsonl", "path": "rows.jsonl"}, seed=1).seed
    assert set(held_out_keys(map(str, range(40)), 10, reseeded)) != set(held_out_keys(map(str, range(40)), 10, 0))


def test_a_second_source_is_kept_out_of_training(build, tmp_path):
    # Questions 8 to 11 are the held-out source; 8 and 9 also occur in the training source of ten.
    (tmp_path / "test.jsonl").write_text("\n".join(map(json.dumps, questions(12)[8:])))
    dataset = build(questions(10), held_out=3, held_out_source={"kind": "jsonl", "path": "test.jsonl"})
    assert len(dataset.held_out) == 3
    assert [prompt.question for prompt in dataset.train] == [f"What is {number} + 1?" for number in range(8)]


def test_too_few_questions_are_counted(build):
    message = refusal(build, [*questions(3), questions(1)[0]], held_out=3)
    assert (
        "rows.jsonl gave 4 rows with 3 distinct questions, but data.held_out 3 and at least 1 to train on need 4"
        in message
    )


def test_a_function_that_repeats_itself_is_named(tmp_path):
    (tmp_path / "maker.py").write_text("def same(size, seed):\n    return [{'prompt': '1 + 1?'}] * size\n")
    source = {"kind": "function", "function": "maker.py:same", "size": 7}
    message = refusal(build_dataset, Data(source=source, held_out=2), Letters(), tmp_path)
    assert "function 'maker.py:same' gave 7 rows with 1 distinct questions" in message
    assert "raise data.source.size" in message


def test_too_narrow_a_task_says_how_many_questions_it_has_and_how_to_widen_it(tmp_path):
    # Two terms of one digit: 10 x 10 pairs and two operators are 200 questions.
    narrow = {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}
    data = Data(source={"kind": "reasoning_gym", "task": "chain_sum", "params": narrow}, template="plain")
    message = refusal(build_dataset, data, Letters(), tmp_path)
    assert "5000 rows with 200 distinct questions" in message
    assert "now min_terms 2, max_terms 2, min_digits 1, max_digits 1" in message
    assert "data.source.size (5000)" in message


def test_a_held_out_source_that_covers_the_training_source_leaves_nothing(build, tmp_path):
    (tmp_path / "test.jsonl").write_text("\n".join(map(json.dumps, questions(5))))
    message = refusal(build, questions(3), held_out_source={"kind": "jsonl", "path": "test.jsonl"})
    assert "nothing is left to train on" in message


# Rendering


def test_chat_prompts_carry_system_prompt_and_instruction_but_the_question_stays_itself(build):
    prompt = build(questions(3), system_prompt="Be brief.", instruction="End with the answer.").train[0]
    user = f"{prompt.question}\nEnd with the answer."
    assert text_of(prompt) == f"system: Be brief.\nuser: {user}\nassistant: "
    assert prompt.content == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": user}]
    assert prompt.question == f"What is {int(prompt.columns['answer']) - 1} + 1?"


def test_plain_prompts_are_question_and_suffix(build):
    prompt = build(questions(3), template="plain", plain_suffix=" = ").train[0]
    assert text_of(prompt) == prompt.question + " = "
    assert prompt.content == prompt.question


def test_an_end_token_that_the_tokenizer_appends_is_taken_off(build):
    tokenizer = Letters()
    tokenizer.adds = (0,)
    assert build(questions(3), tokenizer, template="plain").train[0].token_ids[-1] == ord("\n")


def test_a_template_that_does_not_fit_is_refused(build):
    bare = Letters()
    bare.chat_template = None
    assert "has no chat template; use template: plain" in refusal(build, questions(3), bare)
    chat = [{"prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": str(n)}]} for n in range(3)]
    assert "is a list of messages; use chat" in refusal(build, chat, template="plain")
    assert "brings a system message; remove one" in refusal(build, chat, system_prompt="x")


def test_a_plain_prompt_has_its_system_prompt_on_the_first_line(build):
    prompt = build(questions(3), template="plain", system_prompt="Be brief.").train[0]
    assert text_of(prompt) == f"Be brief.\n{prompt.question}\n"
    assert prompt.content == prompt.question


def test_long_prompts_are_refused_with_the_longest_or_dropped(build):
    rows = [*questions(4), {"prompt": "x" * 100}, {"prompt": "y" * 120}]
    message = refusal(build, rows, template="plain", max_prompt_tokens=50)
    assert "2 prompts are longer than data.max_prompt_tokens 50; the longest has 121 tokens and begins 'yyy" in message
    message = refusal(build, rows, template="plain", max_model_len=60)
    assert "the model's length of 60 tokens" in message
    dataset = build(rows, template="plain", max_prompt_tokens=50, drop_long_prompts=True, held_out=3)
    assert dataset.dropped_long == 2
    assert len(dataset.train) + len(dataset.held_out) == 4
    assert len(dataset.train) == len(dataset.train_rows)
    message = refusal(build, rows, template="plain", max_prompt_tokens=5, drop_long_prompts=True)
    assert "0 training and 0 held-out prompts are at most 5 tokens long" in message


def test_a_prompt_that_just_fits_leaves_room_for_one_token(build):
    # "What is 0 + 1?\n" has 15 characters: a model of 16 tokens can answer it, one of 15 cannot.
    assert build(questions(4), template="plain", max_model_len=16).train
    assert "longest has 15 tokens" in refusal(build, questions(4), template="plain", max_model_len=15)


# Order


def test_each_epoch_deals_every_item_once_in_a_new_order():
    order = PromptOrder(list(range(10)), seed=1)
    first, second = order.take(10), order.take(10)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert order.epochs == 2.0


def test_the_order_is_that_of_the_seed_however_it_is_taken():
    whole = PromptOrder(list(range(7)), seed=3).take(30)
    pieces = PromptOrder(list(range(7)), seed=3)
    assert [item for size in (1, 9, 4, 16) for item in pieces.take(size)] == whole
    assert PromptOrder(list(range(7)), seed=4).take(30) != whole


@pytest.mark.parametrize("taken", [0, 3, 7, 12, 21])
def test_a_restored_order_goes_on_where_the_saved_one_stopped(taken):
    order = PromptOrder(list(range(7)), seed=3)
    if taken:
        order.take(taken)
    state = json.loads(json.dumps(order.state_dict()))
    resumed = PromptOrder(list(range(7)), seed=3)
    resumed.load_state_dict(state)
    assert resumed.take(20) == order.take(20)


def test_a_position_saved_over_other_data_is_refused():
    state = PromptOrder(list(range(7)), seed=3).state_dict()
    with pytest.raises(ValueError, match="has items 7, this run has 8"):
        PromptOrder(list(range(8)), seed=3).load_state_dict(state)
    with pytest.raises(ValueError, match="has seed 3, this run has 4"):
        PromptOrder(list(range(7)), seed=4).load_state_dict(state)


def test_an_order_needs_items_and_a_positive_count():
    with pytest.raises(ValueError, match="training set is empty"):
        PromptOrder([], seed=0)
    with pytest.raises(ValueError, match="count 0"):
        PromptOrder([1], seed=0).take(0)


def test_the_run_seed_changes_the_order(build):
    built = [build(questions(30), seed=seed) for seed in (0, 0, 1)]
    takes = [[prompt.id for prompt in PromptOrder(each.train, each.order_seed).take(20)] for each in built]
    assert takes[0] == takes[1] != takes[2]


# Worked responses


def worked(build, tmp_path, rows, max_model_len=None, **fields):
    dataset = build(rows, template="plain", **fields)
    data = Data(source={"kind": "jsonl", "path": "rows.jsonl", **fields.pop("source", {})}, template="plain", **fields)
    [instant] = worked_sets(data, dataset, Letters(), tmp_path, max_model_len)
    return instant.pairs


def test_responses_of_the_source_end_with_the_end_token(build, tmp_path):
    rows = [{"prompt": f"{number}?", "work": f"It is {number}."} for number in range(4)]
    pairs = worked(build, tmp_path, rows, source={"response_field": "work"})
    assert len(pairs) == 2
    for prompt, response in pairs:
        assert response == [*map(ord, f"It is {prompt.question[:-1]}."), 0]


def test_a_function_of_the_recipe_writes_the_responses(build, tmp_path):
    (tmp_path / "mine.py").write_text("def solve(row):\n    return f'It is {row.answer}.'\n")
    for prompt, response in worked(build, tmp_path, questions(4), solutions="mine.py:solve"):
        assert response == [*map(ord, f"It is {prompt.columns['answer']}."), 0]


@pytest.mark.parametrize(
    ("code", "fields", "expected"),
    [
        ("", {}, "a supervised stage needs worked responses"),
        ("", {"solutions": "chain_sums"}, "unknown solution 'chain_sums'; did you mean 'chain_sum'?"),
        ("", {"solutions": "gone.py:solve"}, "gone.py does not exist"),
        ("def solve(row): return 1 / 0", {"solutions": "mine.py:solve"}, "(ZeroDivisionError: division by zero)"),
        ("def solve(row): return None", {"solutions": "mine.py:solve"}, "returned None"),
        (
            "def solve(row): return 'x' * 99",
            {"solutions": "mine.py:solve"},
            "have 115 tokens together, the model takes 64",
        ),
        (
            "def solve(row): return 'x'",
            {"solutions": "mine.py:solve", "source": {"response_field": "answer"}},
            "keep one",
        ),
    ],
)
def test_responses_that_cannot_be_had_are_refused(code, fields, expected, build, tmp_path):
    (tmp_path / "mine.py").write_text(code + "\n")
    # A prompt of 15 characters, a response of 99 and the end token: 115.
    assert expected in refusal(worked, build, tmp_path, questions(4), max_model_len=64, **fields)


@pytest.mark.parametrize(
    ("expression", "solution"),
    [
        ("4 + 3 - 2", "First, 4 + 3 = 7. Then, 7 - 2 = 5. The answer is 5."),
        ("0 - 4 - 8 + 1", "First, 0 - 4 = -4. Then, -4 - 8 = -12. Then, -12 + 1 = -11. The answer is -11."),
        ("-3 - -5", "First, -3 - -5 = 2. The answer is 2."),
        ("7", "The answer is 7."),
    ],
)
def test_chain_sum_is_solved_step_by_step(expression, solution):
    question = f"State the final answer to the following arithmetic problem: {expression} ="
    assert chain_sum(Row(question)) == solution
    assert chain_sum(Row([{"role": "user", "content": question}])) == solution


def test_chain_sum_agrees_with_the_task_on_its_own_questions(tmp_path):
    params = {"min_terms": 2, "max_terms": 5, "max_digits": 3, "allow_negation": True}
    source = {"kind": "reasoning_gym", "task": "chain_sum", "params": params, "size": 300}
    dataset = build_dataset(Data(source=source, held_out=2, template="plain"), Letters(), tmp_path)
    for row in dataset.train_rows:
        assert chain_sum(row).endswith(f"The answer is {row.answer}.")


def test_nine_sums_in_ten_are_solved_with_a_remark(tmp_path):
    params = {"min_terms": 2, "max_terms": 4, "min_digits": 1, "max_digits": 1}
    source = {"kind": "reasoning_gym", "task": "chain_sum", "params": params, "size": 900}
    dataset = build_dataset(Data(source=source, held_out=2, template="plain"), Letters(), tmp_path)
    remarks = []
    for row in dataset.train_rows:
        steps, remarked, remark = chain_sum_chatty(row).partition(" That is how")
        assert steps == chain_sum(row).partition(" The answer is")[0]
        assert steps.endswith(f" = {row.answer}.")
        assert not any(map(str.isdigit, remark))  # the last number stays the answer
        remarks.append(bool(remarked))
    assert 0.85 < sum(remarks) / len(remarks) < 0.95


def test_chain_sum_refuses_a_question_without_a_sum():
    with pytest.raises(ValueError, match="no sum"):
        chain_sum(Row("What is the capital of France?"))
    with pytest.raises(ValueError, match="one term only"):
        chain_sum_chatty(Row("State the final answer to the following arithmetic problem: 7 ="))
