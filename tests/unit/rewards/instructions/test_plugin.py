"""The reward ``instructions``: what it reads, what it pays, what it refuses."""

import json

import pytest

from lpo.recipe.runtime import RewardSpec
from rewards import RewardError, resolve
from rewards.instructions.plugin import Instructions
from rewards.testing import assert_well_behaved, judge

SHORT = [{"kind": "words", "at_most": 3}, "no_comma"]


def value(response, constraints=None, params=None, **columns):
    if constraints is not None:
        columns["constraints"] = constraints
    return judge("instructions", [{"response": response, **columns}], params=params)


def test_all_constraints_must_hold_unless_shares_are_paid():
    assert value("one two three", SHORT).values == [1.0]
    assert value("one, two", SHORT).values == [0.0]
    judged = value("one, two", SHORT, params={"score": "share"})
    assert judged.values == [0.5]
    assert judged.components == [
        {"instructions": 0.5, "instructions/words": 1.0, "instructions/no_comma": 0.0},
    ]
    assert judged.notes == [{"broken": ["no_comma"]}]


def test_constraints_of_the_recipe_join_those_of_the_row():
    always = {"always": [{"kind": "end", "phrase": "Bye."}]}
    assert value("Yes. Bye.", SHORT, params=always).values == [1.0]
    assert value("Yes.", SHORT, params=always).values == [0.0]
    assert value("Yes. Bye.", params=always).values == [1.0]


def test_both_forms_of_a_row_count_and_either_may_be_json():
    row = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
    assert value("a b", SHORT, **row).values == [1.0]
    assert value("a, b", [{"kind": "words", "at_most": 3}], **row).values == [0.0]
    text = {"instruction_id_list": json.dumps(row["instruction_id_list"]), "kwargs": json.dumps(row["kwargs"])}
    assert value("a, b", json.dumps([{"kind": "words", "at_most": 3}]), **text).values == [0.0]
    assert value("a b", instruction_id_list=["punctuation:no_comma"], kwargs=["{}"]).values == [1.0]


def test_a_row_without_constraints_is_not_judged():
    assert value("a", []).values == [None]
    assert value("a", []).report.invalid == {}


@pytest.mark.parametrize("mode", ["strict", "loose"])
def test_a_blank_response_keeps_to_nothing(mode):
    for blank in ("", " \n", "<think>no comma", "<think>a</think>\n"):
        assert value(blank, ["no_comma"], params={"mode": mode}).values == [0.0]


def test_thoughts_are_not_judged():
    assert value("<think>first, second</think>done", SHORT).values == [1.0]
    assert value("first, second</think>done", SHORT).values == [1.0]


@pytest.mark.parametrize(
    ("response", "constraint"),
    [
        ("Sure, here it is:\nno marks here", "no_comma"),
        ("no marks here\nI hope, this helps", "no_comma"),
        ("Sure, yes:\nno marks here\nSo, bye", "no_comma"),
        ("**My answer is yes.**", {"kind": "one_of", "options": ["My answer is yes.", "no"], "alone": True}),
        ('Here:\n"all of it"', "quotation"),
    ],
)
def test_loose_mode_forgives_a_frame_and_stars(response, constraint):
    assert value(response, [constraint]).values == [0.0]
    assert value(response, [constraint], params={"mode": "loose"}).values == [1.0]


def test_loose_mode_does_not_forgive_what_is_in_the_middle():
    assert value("a\nb, c\nd", ["no_comma"], params={"mode": "loose"}).values == [0.0]
    assert value("one, two", ["no_comma"], params={"mode": "loose"}).values == [0.0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"constraints": ["no_coma"]}, "constraints[0]: unknown kind 'no_coma'; did you mean 'no_comma'?"),
        ({"constraints": "no_comma"}, "it takes a list of constraints"),
        ({"constraints": [{"at_most": 3}]}, "it takes a kind, or a mapping with kind and parameters"),
        ({"constraints": ["words"]}, "constraints[0] (words) has no bound; set at_least, at_most or exactly"),
        ({"constraints": [{"kind": "words", "at_most": "3"}]}, "at_most is '3'; input should be a valid integer"),
        ({"constraints": [{"kind": "words", "most": 3}]}, "(words): unknown field 'most'; did you mean 'at_most'?"),
        ({"constraints": [{"kind": "words", "at_least": 3, "at_most": 2}]}, "at_least above at_most"),
        ({"constraints": [{"kind": "words", "exactly": 3, "at_most": 2}]}, "leave one of them out"),
        ({"constraints": ["keywords"]}, "constraints[0] (keywords): words is missing"),
        ({"constraints": [{"kind": "letter_count", "letter": "ab", "exactly": 1}]}, "takes one character"),
        ({"constraints": [{"kind": "language", "language": "tlh"}]}, "language is 'tlh'; it takes one of ar"),
        ({"constraints": ["no_comma"] * 51}, "at most 50"),
        ({"instruction_id_list": ["punctuation:comma"], "kwargs": [{}]}, "did you mean 'punctuation:no_comma'?"),
        ({"instruction_id_list": ["punctuation:no_comma"], "kwargs": []}, "it takes a mapping for each of 1 ids"),
        (
            {"instruction_id_list": ["length_constraints:number_words"], "kwargs": [{"num_words": None}]},
            "kwargs of length_constraints:number_words: relation is missing",
        ),
        (
            {
                "instruction_id_list": ["length_constraints:number_words"],
                "kwargs": [{"num_words": 3, "relation": "around"}],
            },
            "the relation is 'around'; it must be one of: at least, less than",
        ),
    ],
)
def test_constraints_that_cannot_be_used_make_the_sample_invalid(columns, message):
    judged = value("a b", **columns)
    assert judged.report.invalid == {("instructions", "constraint cannot be used"): 1}
    assert message in judged.notes[0]["error"]


def test_wrong_params_are_refused_before_a_run():
    for params, message in [
        ({"mode": "lose"}, "params.mode is 'lose': input should be 'strict' or 'loose'"),
        ({"always": ["no_coma"]}, "params.always[0]: unknown kind 'no_coma'; did you mean 'no_comma'?"),
        ({"always": "no_comma"}, "params.always is 'no_comma'"),
        ({"allways": []}, "did you mean 'always'?"),
    ]:
        with pytest.raises(RewardError) as refusal:
            resolve(RewardSpec(reward="instructions", params=params))
        assert message in str(refusal.value)


def test_data_without_any_constraints_are_refused_before_a_run():
    with pytest.raises(RewardError, match="needs a column 'constraints' or IFEval's 'instruction_id_list'"):
        resolve(RewardSpec(reward="instructions"), columns=["question"])
    resolve(RewardSpec(reward="instructions", params={"always": ["no_comma"]}), columns=["question"])


def test_long_texts_of_half_open_marks_keep_to_nothing_and_come_to_an_end():
    every = [
        *("no_comma", "json", "title", "two_responses", "quotation", "lower_case", "postscript"),
        *({"kind": kind, "at_least": 1} for kind in ("placeholders", "bullets", "highlights", "sections", "sentences")),
        {"kind": "paragraphs", "exactly": 2, "divider": "stars"},
        {"kind": "paragraphs", "exactly": 2},
        {"kind": "keywords", "words": ["a b c"]},
        {"kind": "language", "language": "en"},
    ]
    reward = Instructions(score="all")
    for text in (
        "[" * 20_000,
        "*a" * 10_000,
        "<<" * 10_000,
        " \n" * 10_000 + "x",
        "P.S." * 5_000,
        "```" + " " * 20_000,
    ):
        assert reward([text], constraints=[every])[0].total == 0.0


@pytest.mark.parametrize("params", [{}, {"mode": "loose", "score": "share"}])
def test_any_response_has_a_value(params):
    rows = [
        {"responses": ["a b", "a, b", "one two three four"], "constraints": SHORT},
        {"response": "x", "constraints": [{"kind": "language", "language": "en"}, "json", "title"]},
    ]
    assert_well_behaved("instructions", rows, params=params)
