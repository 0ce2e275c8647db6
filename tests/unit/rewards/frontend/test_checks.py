import json

import pytest

from lpo.errors import InputError
from rewards.frontend.checks import CheckError, Checks
from rewards.frontend.steps import Click, Count, TextIs, Type

SUM = """
checks:
  - name: adds
    weight: 2
    steps:
      - type: {into: "#a", text: "{{int:1..9 as a}}"}
      - type: {into: {label: Second}, text: "{{int:1..9 but a as b}}"}
      - click: {role: button, name: Add}
      - text: {of: "#sum", equals: "{{a + b}}"}
"""


def steps(text):
    return Checks.load(text).draw(0)[0].steps


def test_expectations_are_computed_from_the_inputs_drawn():
    seen = set()
    for seed in range(20):
        first, second, _, expected = Checks.load(SUM).draw(seed)[0].steps
        assert isinstance(first, Type)
        assert isinstance(expected, TextIs)
        assert first.text != second.text
        assert int(expected.equals) == int(first.text) + int(second.text)
        seen.add((first.text, second.text))
    assert len(seen) > 10


def test_a_target_may_stand_alone_or_among_fields():
    plain, described, counted = steps(
        "- {name: n, steps: [click: '#go', click: {text: Go}, click: {on: '#go', times: 3}, no_error]}"
    )[:3]
    assert isinstance(plain, Click)
    assert plain.on.css == "#go"
    assert described.on.text == "Go"
    assert counted.times == 3


def test_json_and_objects_mean_the_same_as_yaml():
    data = {"checks": [{"name": "n", "steps": [{"click": "#go"}, {"count": {"of": "li", "change": 1}}]}]}
    assert Checks.load(data).draw(1) == Checks.load(json.dumps(data)).draw(1) == Checks.load(data["checks"]).draw(1)


def test_fields_that_a_table_fills_with_none_are_as_if_not_given():
    data = [{"name": "n", "weight": None, "steps": [{"count": {"of": {"css": "li", "text": None}, "equals": 2}}]}]
    check = Checks.load(data).draw(0)[0]
    assert check.weight == 1
    assert isinstance(check.steps[0], Count)
    assert check.steps[0].equals == "2"


def test_values_are_shared_by_all_checks():
    text = """
    values: {word: "{{word}}"}
    checks:
      - {name: a, steps: [type: {into: "#a", text: "{{word}}"}, text: {contains: "{{upper(word)}}"}]}
      - {name: b, steps: [text: {contains: "{{word}}"}]}
    """
    first, second = Checks.load(text).draw(5)
    assert first.steps[0].text == second.steps[0].contains == first.steps[1].contains.lower()


def test_repeats_draw_anew():
    checks = Checks.load(SUM)
    assert len({checks.draw(0, repeat)[0].steps[0].text for repeat in range(20)}) > 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {name: x, steps: [{clik: a}]}", r"check 1 \(x\): step 1: unknown step 'clik'; did you mean 'click'"),
        ("- {name: x, steps: [{click: a}]}", "at least one assertion"),
        ("- {name: x, steps: [{text: {of: a}}]}", "expects nothing"),
        ("- {name: x, steps: [{text: {of: a, equals: '{{q}}'}}]}", "nothing was drawn as 'q'"),
        ("- {name: x, steps: [{text: {of: a, equalls: 3}}]}", "equalls"),
        ("- {name: x, steps: [{text: {of: a, matches: '('}}]}", "no regular expression"),
        ("- {name: x, steps: [{type: {into: a, text: '{{int:5}}'}}, no_error]}", "is no template"),
        ("- {name: x, steps: [{click: {nth: 2}}, no_error]}", "a target needs css"),
        ("- {name: x, steps: [{drag: {from: a}}, no_error]}", "either to or by"),
        ("- {name: x, fresh: false, steps: [no_error]}", "nothing to go on from"),
        ("- {name: x, steps: [{click: a, hover: b}, no_error]}", "one action or assertion"),
        ("- {name: x, steps: [{click: 'a:hovr'}, no_error]}", "on.css: 'a:hovr' is no CSS selector"),
        ("- {name: x, steps: [{click: {role: buton}}, no_error]}", "unknown role 'buton'; did you mean 'button'"),
        ("- {name: x, steps: [{click: {role: button, name: ''}}, no_error]}", "on.name: it is empty"),
        ("- {name: x, steps: [{click: {css: a, any: [b]}}, no_error]}", "any stands alone"),
        ("- {name: x, steps: [{press: Entr}, no_error]}", "unknown key 'Entr'; did you mean 'Enter'"),
        ("- {name: x, steps: [{press: ''}, no_error]}", "no key"),
        ("- {name: x, steps: [{style: {of: a, property: font-sise, equals: ''}}]}", "did you mean 'font-size'"),
        ("- {name: x, steps: [{style: {of: a, property: fontSize, equals: ''}}]}", "did you mean 'font-size'"),
        ("- {name: x, steps: [{attribute: {of: a, attribute: '', equals: ''}}]}", "no attribute's name"),
        ("- {name: x, steps: [{attribute: {of: a, attribute: aria-expandd, equals: ''}}]}", "'aria-expanded'"),
        ("- {name: x, steps: [{attribute: {of: a, attribute: className, equals: ''}}]}", "use class"),
        ("- {name: x, steps: [{count: {of: a, at_least: -1}}]}", "a count is a whole number"),
        ("- {name: x, steps: [{count: {of: a, number: 1.5}}]}", "a count is a whole number"),
        ("- {name: x, steps: [{count: {of: a, equals: -1}}]}", "'-1' is no count"),
        ("- {name: x, steps: [{count: {of: a, equals: two}}]}", "'two' is no count"),
        ("- {name: x, steps: [{url: {equals: '#about'}}]}", "begins with the path"),
        ("- {name: x, steps: [{storage: {key: '', equals: a}}]}", "at least 1 character"),
        ("- {name: x, steps: [{text: {equals: '{{a'}}]}", "without"),
        ("{patience_ms: true, checks: [{name: x, steps: [no_error]}]}", "`patience_ms` is True"),
        ("{check: []}", "did you mean 'checks'"),
        ("[]", "at least one"),
        ("a: [", "neither JSON nor YAML"),
        ("just text", "a list or a mapping"),
    ],
)
def test_errors_say_where_and_what(text, message):
    with pytest.raises(CheckError, match=message) as raised:
        Checks.load(text)
    assert isinstance(raised.value, InputError)


def test_a_number_that_was_drawn_can_be_a_name_or_a_key():
    checks = Checks.load(
        [
            {
                "name": "n",
                "steps": [
                    {"click": {"role": "button", "name": "{{int:4..4 as a}}"}},
                    {"press": "{{a}}"},
                    {"visible": {"text": "{{a + 1}}"}},
                ],
            }
        ]
    )
    click, press, visible = checks.draw(0)[0].steps
    assert (click.on.name, press.key, visible.of.text) == ("4", "4", "5")


def test_custom_properties_and_roles_of_documents_are_known():
    text = "- {name: n, steps: [style: {of: a, property: --gap, equals: 1px}, visible: {role: doc-footnote}]}"
    assert len(steps(text)) == 2


def test_names_may_be_drawn():
    data = {
        "values": {"p": "width"},
        "checks": [{"name": "n", "steps": [{"style": {"of": "#i{{int:1..9}}", "property": "{{p}}", "number": 1}}]}],
    }
    assert Checks.load(data).draw(0)[0].steps[0].property == "width"
    with pytest.raises(CheckError, match="did you mean 'width'"):
        Checks.load({**data, "values": {"p": "widht"}})


def test_a_file_may_have_no_patience():
    data = {"checks": [{"name": "n", "steps": ["no_error"]}]}
    assert Checks.load({**data, "patience_ms": 0}).patience_ms == 0
    assert Checks.load({**data, "patience_ms": None}).patience_ms == Checks.load(data).patience_ms == 1000


def test_what_goes_on_from_a_check_is_not_repeated_more_often():
    def group(*repeats):
        return [
            {"name": "n", "fresh": not place, "repeat": repeat, "steps": ["no_error"]}
            for place, repeat in enumerate(repeats)
        ]

    for repeats in ((2, 2), (2, 1), (3, 3, 1)):
        Checks.load(group(*repeats))
    for repeats in ((1, 2), (2, 1, 2)):
        with pytest.raises(CheckError, match=r"check \d \(n\): repeat is 2.* has repeat 1"):
            Checks.load(group(*repeats))
    Checks.load(group(1) + group(2))
