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


FOUND_BY_TRYING = [
    # what policies write: texts that keep to the constraint, texts that do not
    (
        {"kind": "bullets", "exactly": 2},
        ["1) a\n* b\n* c", "* b\n  - c", "```\n* a\n* b\n```", "\u2023 a\n\u25e6 b", "\u2013 a\n\u2013 b"],
        [],
    ),
    ({"kind": "bullets", "exactly": 3}, ["*  a\n\n*  b\n\n*  c\n"], []),
    ({"kind": "bullets", "exactly": 1}, ["**Bold** text\n* item", "- - a"], []),
    ({"kind": "highlights", "at_least": 3}, ["**Bold:** x\n**Two** y *z*"], []),
    ({"kind": "highlights", "at_least": 1}, [], ["snake_case_name"]),
    ({"kind": "sections", "marker": "SECTION", "at_least": 2}, ["SECTION 1: x\n\nSECTION 2: y"], []),
    ({"kind": "sections", "marker": "Day", "at_least": 2}, ["Day 1 - a\nDay 2 - b"], []),
    (
        {"kind": "sections", "marker": "Section", "at_least": 2},
        ["- **Section 1**\n- **Section 2**"],
        ["# SECTION 1\n# SECTION 2"],
    ),
    ({"kind": "sections", "marker": "SECTION X", "at_least": 1}, [], ["SECTION 1"]),
    (
        {"kind": "end", "phrase": "Is there anything else I can help with?"},
        [],
        ["x Is there anything else I can help with?**"],
    ),
    ({"kind": "end", "phrase": "That is all."}, ["That is all. "], []),
    (
        {"kind": "postscript", "marker": "P.S."},
        ["Best,\n\nP.S. \U0001f600 I am", "P.S. 你好", "P.S.\nI am", "*P.S.*: I am"],
        [],
    ),
    (
        {"kind": "json"},
        ['```json\n{"a":1}\n```\n', '```JSON\n{"a":1}```', '{"a":1e999}', '```{"a":1}```'],
        ['{"a":1,}', '\ufeff{"a":1}', "{'a':1}"],
    ),
    ({"kind": "title"}, ["<<Title>>", "**<<Title: of >> **", "<<<Title>>>", "<<...>>"], []),
    ({"kind": "quotation"}, ['"He said "no""', '"a" and "b"'], []),
    (
        {"kind": "two_responses"},
        ["Response 1: a\n******\nResponse 2: b", "a\n******\na."],
        ["a\n***\nb", "a\n*******\nb"],
    ),
    ({"kind": "keywords", "words": ["naïve"]}, ["nai\u0308ve"], []),
    ({"kind": "keywords", "words": ["don't"]}, ["I don\u2019t"], []),
    ({"kind": "keywords", "words": ["well-known"]}, ["well\u2011known"], []),
    ({"kind": "forbidden_words", "words": ["don't"]}, [], ["I don\u2019t"]),
    ({"kind": "forbidden_words", "words": ["bad"]}, ["b*ad*"], ["b\u200bad", "_bad_", "\uff42\uff41\uff44"]),
    ({"kind": "keywords", "words": ["bad"]}, ["_bad_"], []),
    ({"kind": "no_comma"}, ["a\u066bb"], ["a\u201ab"]),
    ({"kind": "words", "exactly": 3}, ["**one** _two_ `three`", "one\u2014two three", "3.14 is pi"], []),
    (
        {"kind": "words", "exactly": 2},
        [
            "U.S. economy",
            "naïve café",
            "nai\u0308ve cafe\u0301",
            "नमस्ते दुनिया",
            "한국 사람",
            "$5.00 only",
        ],
        [],
    ),
    ({"kind": "words", "exactly": 1}, ["rock'n'roll", "1,000"], []),
    ({"kind": "words", "at_least": 3}, [], ["- - -", "_ _ _"]),
    ({"kind": "sentences", "exactly": 1}, ["Hello"], []),
    (
        {"kind": "sentences", "exactly": 2},
        ["Hi! How are you?", 'He said "Stop!" and left. I stayed.', "Wait... what? Yes.", "One\ntwo"],
        [],
    ),
    ({"kind": "sentences", "exactly": 3}, ["1. Buy milk.\n2. Drink it.\n3. Sleep."], []),
    ({"kind": "paragraphs", "exactly": 2}, ["a\r\n\r\nb"], []),
    ({"kind": "paragraphs", "exactly": 3}, ["# T\n\na\n\nb"], []),
    ({"kind": "paragraph_start", "nth": 2, "word": "weekend"}, ["a\n\n**Weekend:** b", "a\n\n# Weekend"], []),
    ({"kind": "paragraph_start", "nth": 2, "word": "well-known"}, ["a\n\nwell-known b"], []),
    ({"kind": "paragraph_start", "nth": 2, "word": "well"}, [], ["a\n\nwell-known b"]),
    ({"kind": "capital_words", "at_least": 2}, ["U.S.A. IS"], []),
    ({"kind": "capital_words", "at_most": 2}, ["OK A1 b2"], []),
    ({"kind": "letter_count", "letter": "é", "at_least": 1}, ["cafe\u0301"], []),
    ({"kind": "start", "phrase": "Dear"}, ["**Dear Sir**", '"Dear Sir"'], []),
    ("upper_case", ["STRASSE"], ["STRA\xdfE"]),
    (
        {"kind": "language", "language": "en"},
        ["I'm sorry, I can't help you with that request."],
        [
            "Le chat est sur la table et il dort dans la maison avec le chien. The end.",
            "asdf qwer zxcv uiop hjkl vbnm tyui ghjk",
            "Bonjour, je suis très heureux",
        ],
    ),
    ({"kind": "language", "language": "de"}, ["Ich wei\xdf nicht, was soll es bedeuten, dass ich so traurig bin."], []),
    ({"kind": "language", "language": "ko"}, ["안녕하세요 hello"], []),
    ({"kind": "language", "language": "zh"}, ["我喜欢Python和机器学习"], []),
    ({"kind": "language", "language": "ja"}, ["東京タワー"], []),
    ({"kind": "language", "language": "es"}, ["Hola mundo"], []),
    ({"kind": "language", "language": "fr"}, ["Bonjour, je suis très heureux"], []),
    ({"kind": "placeholders", "at_least": 1}, ["[Your Name]:", "[1]", "Dear [Name], (see [address](note))"], []),
    ({"kind": "repeat_prompt", "prompt": 'Write a "poem"'}, ["Write a \u201cpoem\u201d: hi"], []),
    ({"kind": "repeat_prompt", "prompt": "Write a poem"}, [], ["**Write a poem**\nhi"]),
    ({"kind": "one_of", "options": ["My answer is yes.", "My answer is no."]}, ["**My answer is yes.**"], []),
]


@pytest.mark.parametrize(("constraint", "kept", "broken"), FOUND_BY_TRYING, ids=lambda each: str(each)[:40])
def test_what_policies_write_is_told_apart(constraint, kept, broken):
    results = Instructions()([*kept, *broken], constraints=[[constraint]] * (len(kept) + len(broken)))
    assert [result.total for result in results] == [1.0] * len(kept) + [0.0] * len(broken)


@pytest.mark.parametrize("params", [{}, {"mode": "loose", "score": "share"}])
def test_any_response_has_a_value(params):
    rows = [
        {"responses": ["a b", "a, b", "one two three four"], "constraints": SHORT},
        {"response": "x", "constraints": [{"kind": "language", "language": "en"}, "json", "title"]},
    ]
    assert_well_behaved("instructions", rows, params=params)
