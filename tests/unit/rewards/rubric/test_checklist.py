"""Checklists: read with clear errors, scored as by hand."""

from __future__ import annotations

import json

import pytest

from rewards.rubric.checklist import Checklist, ChecklistError

YAML = """
about: Answers of a help desk.
items:
  - name: right
    kind: must
    weight: 3
    description: The answer names the right menu.
  - {name: polite, description: It greets the reader.}
  - {name: invented, kind: negative, weight: 2, description: It names a menu that does not exist.}
"""


@pytest.mark.parametrize(
    ("marks", "score"),
    [
        # (3 m1 + 1 m2 - 2 m3) / 4, at most 0.4 + 0.6 m1
        ([1, 1, 0], 1.0),
        ([1, 0, 0], 0.75),
        ([1, 1, 1], 0.5),
        ([0, 1, 0], 0.25),
        ([0.5, 1, 0], 0.625),  # 2.5 / 4, below the cap of 0.7
        ([0, 0, 1], 0.0),
    ],
)
def test_scores_worked_by_hand(marks, score):
    assert Checklist.load(YAML).score(marks, 0.4) == pytest.approx(score)


def test_a_must_that_is_not_met_caps_the_score():
    checklist = Checklist.load(
        [{"name": "a", "kind": "must", "description": "x"}, {"name": "b", "weight": 9, "description": "y"}]
    )
    # 9 of 10 points without the must.
    assert [checklist.score([m, 1], 0.4) for m in (0, 0.5, 1)] == pytest.approx([0.4, 0.7, 1.0])
    assert checklist.score([0, 1], 1.0) == pytest.approx(0.9)
    assert checklist.score([0, 1], 0.0) == 0


def test_what_has_nothing_but_negative_items_starts_at_one():
    bad = [
        {"name": name, "kind": "negative", "weight": weight, "description": "x"}
        for name, weight in (("a", 1), ("b", 3))
    ]
    assert [Checklist.load(bad).score(marks, 0.4) for marks in ([0, 0], [1, 0], [0, 0.5], [1, 1])] == [
        1,
        0.75,
        0.625,
        0,
    ]


def test_marks_by_kind():
    checklist = Checklist.load(YAML)
    assert checklist.by_kind([0.5, 1, 0]) == {"must": 0.5, "should": 1.0, "negative": 0.0}
    assert checklist.about == "Answers of a help desk."


def test_a_file_json_and_plain_values_say_the_same(tmp_path):
    (tmp_path / "list.yaml").write_text(YAML)
    first = Checklist.load(YAML)
    assert Checklist.load("list.yaml", base_dir=tmp_path) == first
    as_json = {"about": first.about, "items": [item.record() for item in first.items]}
    assert Checklist.load(json.dumps(as_json)) == Checklist.load(as_json) == first


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("gone.yaml", "checklist /"),
        ("a: [", "checklist is not YAML: "),
        ([], "checklist is []; it takes a list of items, each with name and description"),
        ("just words", "checklist is 'just words'; it takes a list of items"),
        ({"item": []}, "checklist: unknown field 'item'; did you mean 'items'?".replace("field", "field")),
        ({"items": [], "about": 3}, "checklist.about is 3; it takes text"),
        (["x"], "checklist[0] is 'x'; an item is a mapping with name and description"),
        ([{"name": "a"}], "checklist[0].description is missing; give the item a statement that is true or false"),
        ([{"description": "a"}], "checklist[0].name is missing; give the item a short name"),
        (
            [{"name": "a", "description": "x", "wieght": 2}],
            "checklist[0]: unknown field 'wieght'; did you mean 'weight'?",
        ),
        (
            [{"name": "a", "description": "x", "weight": -1}],
            "checklist[0].weight is -1; it takes a number above 0; what",
        ),
        ([{"name": "a", "description": "x", "weight": "2"}], "checklist[0].weight is '2'; it takes a number above 0"),
        (
            [{"name": "a", "description": "x", "kind": "may"}],
            "checklist[0].kind is 'may'; it takes one of must, should",
        ),
        ([{"name": "a/b", "description": "x"}], "checklist[0].name is 'a/b'; it takes at most 60 letters"),
        ([{"name": "a", "description": ""}], "checklist[0].description is ''; it takes text"),
        ([{"name": "a", "description": "x"}] * 2, "checklist[1].name is 'a', as that of an item before; rename one"),
        ([{"name": "a", "description": "x"}] * 101, "checklist has 101 items; a judge takes at most 100"),
    ],
)
def test_what_is_no_checklist_is_refused_with_place_value_and_remedy(given, message):
    with pytest.raises(ChecklistError) as refused:
        Checklist.load(given)
    assert message in str(refused.value)
