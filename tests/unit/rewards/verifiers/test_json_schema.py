"""JSON found in a response, checked against a schema, and compared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rewards.contract import RewardResult
from rewards.testing import assert_well_behaved
from rewards.verifiers.json_schema import json_schema
from rewards.verifiers.json_values import NotJsonError, find_json, same_json

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
ADA = '{"name": "Ada", "age": 36}'


def judged(response: str, schema: Any = PERSON, expected: Any = None, **params: Any) -> RewardResult:
    (result,) = json_schema([response], [schema], [expected], **params)
    assert isinstance(result, RewardResult)
    return result


@pytest.mark.parametrize(
    "response",
    [
        ADA,
        f"  {ADA}\n",
        f"```json\n{ADA}\n```",
        f"Here you are:\n```\n{ADA}\n```\nAnything else?",
        f"Sure! {ADA} Anything else?",
        f'First {{"name": 1}}, or rather {ADA}',
        f"```json\n[]\n```\nNo, rather:\n```json\n{ADA}\n```",
        f"<think>{{}}</think>{ADA}",
        '{"age": 36.0, "name": "Ada"}',
    ],
)
def test_json_that_fits_is_right_wherever_it_stands(response: str):
    assert judged(response).total == 1.0


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        ("no JSON at all", "no JSON"),
        ("", "no JSON"),
        (f"<think>perhaps {ADA}", "no JSON"),
        ('{"name": "Ada", "age": 36', "no JSON"),
        ("{'name': 'Ada', 'age': 36}", "no JSON"),
        ('{"name": "Ada", "age": 36, "age": 36}', "'age' stands twice"),
        ('{"name": "Ada", "age": NaN}', "NaN is no JSON"),
        ('{"name": "Ada", "age": Infinity}', "Infinity is no JSON"),
        ('{"name": "Ada"}', "'age' is a required property"),
        ('{"name": "Ada", "age": "36"}', "age: '36' is not of type"),
        ('{"name": "Ada", "age": true}', "age: True is not of type"),
        ('{"name": "ada", "age": 1}', "name: 'ada' does not match"),
        ('{"name": "Ada", "age": -1}', "age: -1 is less than"),
        ('{"name": "Ada", "age": 1, "x": 2}', "value: additional properties"),
        ('[{"name": "Ada", "age": 36}]', "not of type 'object'"),
        (f'{ADA}\n```json\n{{"name": "Ada"\n```', "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"a":' * 100_000, "no JSON"),
        ('{"name": "Ada", "age": ' + "9" * 10_000 + "}", "no JSON"),
        (" " * (1 << 20) + ADA, "no JSON: more than"),
    ],
)
def test_others_are_wrong_and_say_why(response: str, fault: str):
    result = judged(response)
    assert result.total == 0.0
    assert fault in result.info["fault"]


def test_an_expected_value():
    assert judged('{"age": 36.0, "name": "Ada"}', expected=json.loads(ADA)).total == 1.0
    assert judged(ADA, expected=ADA).total == 1.0  # as JSON text
    assert judged('"Paris"', {}, "Paris").total == 1.0
    assert judged('"London"', {}, "Paris").total == 0.0
    assert judged(ADA, expected={"name": "Ada", "age": 37}).info["fault"] == "another value than expected"
    assert judged(ADA, expected={"name": "Ada"}).total == 0.0
    assert judged(ADA, expected={"name": "Ada"}, compare="contains").total == 1.0
    assert judged('{"a": {"b": [1, 2], "c": 3}}', {}, {"a": {"b": [1, 2]}}, compare="contains").total == 1.0
    assert judged('{"a": {"b": [1, 2, 3]}}', {}, {"a": {"b": [1, 2]}}, compare="contains").total == 0.0


def test_a_part_is_paid_where_that_is_wanted():
    assert judged('{"name": "Ada"}', partial=True).total == pytest.approx(1 / 2)
    assert judged('{"name": "ada", "age": "x"}', partial=True).total == 0.0
    assert judged('{"name": "Ada", "age": 1, "x": 2}', partial=True).total == pytest.approx(2 / 3)
    assert judged("[]", partial=True).total == 0.0
    # Keys of its own fit nothing: they are not counted, or as wrong where the schema refuses them.
    open_ended = {name: value for name, value in PERSON.items() if name != "additionalProperties"}
    junk = json.dumps({f"key{number}": number for number in range(98)})
    assert judged(junk, open_ended, partial=True).total == 0.0
    assert judged('{"name": "Ada", "key": 1}', open_ended, partial=True).total == pytest.approx(1 / 2)
    typed = open_ended | {"additionalProperties": {"type": "string"}}
    assert judged('{"name": "Ada", "age": 1, "key": 1}', typed, partial=True).total == pytest.approx(2 / 3)
    assert judged(ADA, expected={"name": "Bob", "age": 1}, partial=True).total == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt"},
        {"$ref": "https://example.org/person.json"},
        {"properties": {"name": {"$ref": "#/definitions/none"}}},
        "{not json",
        3,
        None,
    ],
)
def test_a_schema_that_cannot_be_used_makes_the_sample_invalid(schema: Any):
    assert judged(ADA, schema).invalid == "the schema cannot be used"


def test_the_schema_may_be_text_and_of_another_draft():
    old = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "integer",
        "minimum": 1,
        "exclusiveMinimum": True,
    }
    assert [judged(text, json.dumps(old)).total for text in ("1", "2")] == [0.0, 1.0]


def test_formats_are_checked_where_that_is_wanted():
    schema = {"type": "string", "format": "date"}
    assert [judged(text, schema).total for text in ('"2024-02-29"', '"2023-02-29"')] == [1.0, 1.0]
    assert [judged(text, schema, formats=True).total for text in ('"2024-02-29"', '"2023-02-29"')] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("format_", "good", "bad"),
    [
        ("date-time", "2024-02-29T10:00:00Z", "2024-02-29"),
        ("time", "10:00:00Z", "ten"),
        ("duration", "P1DT2H", "a day"),
        ("email", "ada@example.org", "ada"),
        ("hostname", "example.org", "-example-"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
        ("uri", "https://example.org/a?b", "no uri"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123"),
        ("json-pointer", "/a/0", "a/0"),
        ("regex", "a+", "a("),
    ],
)
def test_every_common_format_is_known(format_: str, good: str, bad: str):
    schema = {"type": "string", "format": format_}
    assert [judged(json.dumps(text), schema, formats=True).total for text in (good, bad)] == [1.0, 0.0]


TRAP = "^(a|aa)+$"


@pytest.mark.parametrize(
    "schema",
    [
        {"additionalProperties": {"pattern": TRAP}},
        {"patternProperties": {TRAP: {}}},
        {"patternProperties": {TRAP: {}}, "additionalProperties": False},
    ],
)
def test_an_expression_and_a_string_that_take_for_ever_together_are_worth_nothing(schema: Any):
    text = "a" * 60 + "!"
    result = judged(json.dumps({text: text}), schema)
    assert (result.total, result.info["fault"]) == (0.0, "cannot be checked: TimeoutError")


def test_a_number_that_cannot_be_computed_with_is_worth_nothing():
    result = judged("1" + "0" * 400, {"type": "number", "multipleOf": 0.5})
    assert (result.total, result.info["fault"]) == (0.0, "cannot be checked: OverflowError")


def test_unique_items_are_those_that_json_tells_apart():
    unique = {"type": "array", "uniqueItems": True}
    for text in (
        "[1, true, 0, false]",
        '[{"a": 1}, {"a": 2}, [1], [[1]]]',
        "[" + ",".join(map(str, range(20_000))) + "]",
    ):
        assert judged(text, unique).total == 1.0
    for text in ("[1, 1.0]", '[{"a": 1, "b": 2}, {"b": 2, "a": 1.0}]', "[[1], [1]]"):
        assert judged(text, unique).total == 0.0


def test_properties_by_expression():
    schema = {"patternProperties": {"^n": {"type": "integer"}}, "additionalProperties": False}
    assert judged('{"n1": 1}', schema).total == 1.0
    assert judged('{"n1": "x"}', schema).info["fault"].startswith("n1: 'x' is not of type")
    assert "additional properties are not allowed: 'm'" in judged('{"m": 1}', schema).info["fault"]


def test_equality_is_jsons():
    assert same_json({"a": 1, "b": [1.0]}, {"b": [1], "a": 1.0})
    assert not same_json(1, True)
    assert not same_json([1, 2], [2, 1])
    assert not same_json("1", 1)
    assert same_json(None, None)
    with pytest.raises(NotJsonError):
        find_json("```json\nnothing\n```")


def test_any_response_has_a_value():
    rows = [{"prompt": "?", "responses": [ADA, "{}", "no"], "schema": PERSON}]
    assert_well_behaved("json_schema", rows)
