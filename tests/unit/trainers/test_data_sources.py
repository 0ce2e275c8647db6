"""Reading rows from every kind of source, and every way in which that can fail."""

import json
import shutil

import pytest
from pydantic import TypeAdapter

from lpo.recipe.data import Source
from rewards.frontend.plugin import load_checks
from rewards.frontend.tasks import SHIPPED, read_task
from trainers.data import DataError, load_rows

SOURCE = TypeAdapter(Source)


def source(**fields):
    return SOURCE.validate_python(fields)


def gym(task="chain_sum", **fields):
    return source(kind="reasoning_gym", task=task, size=fields.pop("size", 20), **fields)


@pytest.fixture
def jsonl(tmp_path):
    def write(*lines, **fields):
        (tmp_path / "rows.jsonl").write_text(
            "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        )
        return load_rows(source(kind="jsonl", path="rows.jsonl", **fields), tmp_path)

    return write


def refusal(call, *args, **kwargs):
    with pytest.raises(DataError) as raised:
        call(*args, **kwargs)
    return str(raised.value)


# reasoning-gym


def test_a_task_gives_the_same_items_for_the_same_seed(tmp_path):
    first, again = load_rows(gym(seed=3), tmp_path), load_rows(gym(seed=3), tmp_path)
    assert first == again
    assert len(first) == 20
    assert load_rows(gym(seed=4000), tmp_path) != first


def test_params_reach_the_task_and_its_verifier(tmp_path):
    params = {"min_terms": 3, "max_terms": 3, "min_digits": 1, "max_digits": 1}
    row = load_rows(gym(params=params), tmp_path)[0]
    assert row.columns["metadata"]["num_terms"] == 3
    assert row.columns["verifier"] == {"task": "chain_sum", "params": params}
    assert row.columns["answer"] == row.answer == str(eval(row.columns["metadata"]["expression"]))


def test_every_task_is_known_to_the_library_and_a_mixture_of_tasks_can_be_made(tmp_path):
    mixture = gym("composite", params={"datasets": [{"name": "chain_sum"}, {"name": "gcd", "weight": 2.0}]})
    assert {row.columns["metadata"]["source_dataset"] for row in load_rows(mixture, tmp_path)} == {"chain_sum", "gcd"}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (gym("chain_sm"), "unknown reasoning-gym task 'chain_sm'; did you mean 'chain_sum'?"),
        (gym(params={"max_term": 3}), "unknown parameter 'max_term'; did you mean 'max_terms'?"),
        (gym(params={"size": 3}), "set data.source.size instead"),
        (gym(params={"max_terms": "3"}), "max_terms is '3'; it takes a number"),
        (gym(params={"max_terms": True}), "max_terms is True; it takes a number"),
        (gym(params={"min_terms": 9, "max_terms": 3}), "refuses them (AssertionError: max_terms must be >= min_terms)"),
        (gym("game_of_life_halting"), "cannot be learnt from"),
    ],
)
def test_a_task_or_parameter_that_cannot_be_used_is_named(made, expected, tmp_path):
    assert expected in refusal(load_rows, made, tmp_path)


# JSONL


def test_jsonl_keeps_columns_and_responses_and_skips_blank_lines(jsonl):
    rows = jsonl(
        {"q": "2+2?", "answer": "4", "level": 1, "work": "It is 4."},
        "",
        {"q": "3?", "work": "3."},
        prompt_field="q",
        response_field="work",
    )
    assert [row.question for row in rows] == ["2+2?", "3?"]
    assert [row.answer for row in rows] == ["4", None]
    assert rows[0].columns == {"q": "2+2?", "answer": "4", "level": 1, "work": "It is 4."}
    assert [row.response for row in rows] == ["It is 4.", "3."]


def test_the_prompt_column_is_not_repeated_among_the_columns(jsonl):
    assert jsonl({"prompt": "2+2?", "answer": "4"})[0].columns == {"answer": "4"}


def test_jsonl_takes_chat_messages(jsonl):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}]
    assert jsonl({"prompt": messages})[0].question == messages


@pytest.mark.parametrize(
    ("line", "fields", "expected"),
    [
        ("{", {}, "line 1 is not JSON"),
        ([1], {}, "line 1 is a JSON list"),
        ("[" * 100_000, {}, "line 1 is not JSON that can be read"),
        ('{"prompt": ' + "7" * 5000 + "}", {}, "line 1 is not JSON that can be read"),
        ({"prompt": "x \ud800"}, {}, "prompt holds half a character"),
        ({"prompt": "x", "work": "\ud800"}, {"response_field": "work"}, "work holds half a character"),
        ({"promt": "x"}, {}, "prompt_field unknown field 'prompt'; did you mean 'promt'?"),
        ({"prompt": 7}, {}, "prompt is 7; a question is a string or a list"),
        ({"prompt": "  "}, {}, "prompt is empty"),
        ({"prompt": [{"role": "user"}]}, {}, "a message has a 'role' and a 'content'"),
        ({"prompt": [{"role": "assistant", "content": "x"}]}, {}, "ends with the assistant's message"),
        ({"prompt": "x"}, {"response_field": "work"}, "response_field unknown field 'work'"),
        ({"prompt": "x", "work": None}, {"response_field": "work"}, "a worked response is a non-empty string"),
        ({"prompt": "x", "responses": 1}, {}, "column 'responses' has the name of an argument"),
        ("", {}, "holds no rows"),
    ],
)
def test_a_bad_line_is_named(line, fields, expected, jsonl):
    assert expected in refusal(jsonl, line, **fields)


def test_a_missing_file_is_named_with_where_it_was_looked_for(tmp_path):
    assert f"{tmp_path}/gone.jsonl does not exist" in refusal(
        load_rows, source(kind="jsonl", path="gone.jsonl"), tmp_path
    )


def test_a_file_that_is_not_text_is_named(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8 text" in refusal(load_rows, source(kind="jsonl", path="rows.jsonl"), tmp_path)


# Hugging Face data sets


@pytest.fixture
def table():
    import datasets

    return datasets.Dataset.from_dict({"prompt": ["2+2?", "3?"], "answer": ["4", "3"]})


def test_a_folder_of_save_to_disk_is_read(table, tmp_path):
    table.save_to_disk(tmp_path / "saved")
    rows = load_rows(source(kind="huggingface", path="saved"), tmp_path)
    assert [(row.question, row.answer) for row in rows] == [("2+2?", "4"), ("3?", "3")]


def test_a_dictionary_of_splits_is_read_by_split(table, tmp_path):
    import datasets

    datasets.DatasetDict({"train": table, "test": table.select([1])}).save_to_disk(tmp_path / "saved")
    assert len(load_rows(source(kind="huggingface", path="saved", split="test"), tmp_path)) == 1
    message = refusal(load_rows, source(kind="huggingface", path="saved", split="tests"), tmp_path)
    assert "unknown split 'tests'; did you mean 'test'?" in message


def test_a_local_file_is_read_by_its_suffix(table, tmp_path, monkeypatch):
    table.to_parquet(tmp_path / "rows.parquet")
    assert len(load_rows(source(kind="huggingface", path="rows.parquet"), tmp_path)) == 2
    (tmp_path / "rows.txt").write_text("x")
    assert "suffix '.txt'; known: .arrow" in refusal(load_rows, source(kind="huggingface", path="rows.txt"), tmp_path)


@pytest.mark.parametrize("path", ["./gone", "gone.parquet", "~/gone-for-good"])
def test_a_local_path_that_is_gone_is_not_looked_for_on_the_hub(path, tmp_path):
    assert "does not exist" in refusal(load_rows, source(kind="huggingface", path=path), tmp_path)


def test_a_hub_id_that_cannot_be_reached_says_what_to_do(tmp_path, monkeypatch):
    import datasets

    def unreachable(*args, **kwargs):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    message = refusal(load_rows, source(kind="huggingface", path="owner/name"), tmp_path)
    assert "owner/name cannot be read (ConnectionError: no route to host)" in message
    assert "save_to_disk" in message


# front-end tasks


def test_front_end_tasks_come_with_checks_and_a_reference_to_imitate(tmp_path):
    names = ["product-tabs", "shopping-list"]
    for name in names:
        shutil.copytree(SHIPPED / name, tmp_path / "some" / name)
    rows = load_rows(source(kind="frontend_tasks", path="some"), tmp_path)
    assert [row.columns["task"] for row in rows] == names
    task = read_task(SHIPPED / names[1])
    assert rows[1].question == task.prompt.strip()
    assert rows[1].response == f"```html\n{task.reference.strip()}\n```"
    assert rows[1].columns["kind"] == "lists"
    checks = load_checks(rows[1].columns["checks"])
    assert checks is not None
    assert checks.draw(0) == task.loaded_checks().draw(0)


def test_a_folder_of_tasks_that_cannot_be_read_is_named(tmp_path):
    assert str(tmp_path / "none") in refusal(load_rows, source(kind="frontend_tasks", path="none"), tmp_path)


MAKER = """
def sums(size, seed, most=9):
    for number in range(size):
        yield {"question": f"{number} + {seed}?", "answer": min(number + seed, most), "worked": "so."}


def odd(size, seed):
    return ["no mapping"]


def zero(size, seed):
    return [0]


def leaving(size, seed):
    raise SystemExit(0)


def failing(size, seed):
    raise LookupError("no more numbers")
"""


@pytest.fixture
def maker(tmp_path):
    (tmp_path / "maker.py").write_text(MAKER)

    def made(function, **fields):
        return load_rows(source(kind="function", function=f"maker.py:{function}", size=3, **fields), tmp_path)

    return made


def test_a_function_makes_rows(maker):
    rows = maker("sums", seed=4, params={"most": 5}, prompt_field="question", response_field="worked")
    assert [(row.question, row.answer, row.response) for row in rows] == [
        ("0 + 4?", 4, "so."),
        ("1 + 4?", 5, "so."),
        ("2 + 4?", 5, "so."),
    ]


@pytest.mark.parametrize(
    ("function", "fields", "said"),
    [
        ("sums", {}, "prompt_field"),
        ("sums", {"params": {"least": 1}}, "fails (TypeError"),
        ("odd", {}, "made a str"),
        ("zero", {}, "made a int"),
        ("leaving", {}, "fails (SystemExit: 0)"),
        ("failing", {}, "fails (LookupError: no more numbers)"),
        ("none", {}, "data.source.function"),
    ],
)
def test_a_function_that_makes_no_rows_is_refused(maker, function, fields, said):
    assert said in refusal(maker, function, **fields)
