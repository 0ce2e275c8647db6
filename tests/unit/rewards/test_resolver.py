"""Names of rewards, and every way in which a name can fail to lead to one."""

from importlib import metadata

import pytest

import rewards
from lpo.recipe.runtime import RewardSpec
from rewards.contract import STANDARD_ARGUMENTS

GOOD = "def long_enough(responses, least=3, **columns):\n    return [float(len(text) >= least) for text in responses]\n"


@pytest.fixture
def plugin(tmp_path):
    def write(code, name="long_enough", **spec):
        (tmp_path / "mine.py").write_text(code)
        return rewards.resolve(RewardSpec(reward=f"mine.py:{name}", **spec), base_dir=tmp_path)

    return write


def refusal(call, *args, **kwargs):
    with pytest.raises(rewards.RewardError) as raised:
        call(*args, **kwargs)
    return str(raised.value)


def test_a_function_in_a_file_gets_its_name_weight_and_params(plugin):
    reward = plugin(GOOD, weight=0.5, params={"least": 2})
    assert (reward.name, reward.weight) == ("long_enough", 0.5)
    assert reward(responses=["a", "ab"], group_ids=[0, 0], answer=["x", "y"]) == [0.0, 1.0]


def test_an_edited_file_is_read_again(plugin):
    assert plugin(GOOD)(responses=["abc"]) == [1.0]
    assert plugin(GOOD.replace(">=", "<"))(responses=["abc"]) == [0.0]


def test_a_class_is_made_with_its_params(plugin):
    code = (
        "class Longer:\n"
        "    def __init__(self, least):\n        self.least = least\n"
        "    def __call__(self, completions):\n        return [float(len(text) > self.least) for text in completions]\n"
    )
    assert plugin(code, "Longer", params={"least": 1})(completions=["a", "ab"], responses=[]) == [0.0, 1.0]
    assert "cannot be made with params {} (TypeError" in refusal(plugin, code, "Longer")


def test_a_function_gets_only_what_it_takes(plugin):
    code = "def seen(responses, answer):\n    return [(text, right) for text, right in zip(responses, answer)]\n"
    reward = plugin(code, "seen")
    everything = dict.fromkeys(STANDARD_ARGUMENTS) | {"responses": ["a"], "answer": ["b"], "other": ["c"]}
    assert reward(**everything) == [("a", "b")]


def test_a_function_of_a_module_is_found():
    assert rewards.resolve("rewards.correctness:math").name == "math"


def test_an_installed_plugin_is_found_by_its_entry_point(monkeypatch):
    entry = metadata.EntryPoint("shiny", "rewards.correctness:math", "lpo.rewards")
    broken = metadata.EntryPoint("rusty", "no_such_package:reward", "lpo.rewards")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [entry, broken] if group == "lpo.rewards" else [])
    assert rewards.resolve("shiny").name == "shiny"
    assert rewards.known_rewards()["shiny"] == "rewards.correctness:math (entry point)"
    assert "unknown reward 'shinny'; did you mean 'shiny'?" in refusal(rewards.resolve, "shinny")
    message = refusal(rewards.resolve, "rusty")
    assert "entry point no_such_package:reward) does not import: ModuleNotFoundError" in message


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("maths", "unknown reward 'maths'; did you mean 'math'?"),
        ("zzz", "known: arena, "),
        ("gone.py:f", "gone.py does not exist; paths are relative to the recipe"),
        ("no_such_package:f", "there is no module 'no_such_package'"),
        ("rewards.correctness:maths", "unknown function 'maths'; did you mean 'math'?"),
        ("rewards.contract:STANDARD_ARGUMENTS", "is a tuple, not a function"),
        ("rewards.correctness:", "is incomplete"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(name, expected, tmp_path):
    with pytest.raises(rewards.RewardError) as raised:
        rewards.resolve(name, base_dir=tmp_path)
    assert expected in str(raised.value)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def broken(:", "does not import: SyntaxError"),
        ("import no_such_package", "does not import: ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise SystemExit(3)", "does not import: SystemExit: 3"),
        ("def other(responses): ...", "unknown function 'long_enough'; known: other"),
        ("def long_enough(prompts, answer): ...", "never sees a response"),
        ("def long_enough(responses, /): ...", "takes 'responses' by position"),
        ("long_enough = 3", "is a int, not a function"),
        ("class long_enough: pass", "is a class without __call__"),
    ],
)
def test_a_plugin_that_cannot_be_called_is_refused(code, expected, plugin):
    assert expected in refusal(plugin, code + "\n")


def test_the_cause_of_a_failed_import_is_chained(plugin):
    with pytest.raises(rewards.RewardError) as raised:
        plugin("import no_such_package\n")
    causes = [raised.value.__cause__, raised.value.__cause__.__cause__]
    assert isinstance(causes[1], ModuleNotFoundError)


def test_params_that_the_reward_does_not_take_are_refused(plugin):
    strict = "def long_enough(responses, least=3):\n    return [0.0 for _ in responses]\n"
    assert "unknown parameter 'leest'; did you mean 'least'?" in refusal(plugin, strict, params={"leest": 1})
    assert "params.responses is an argument that lpo passes" in refusal(plugin, strict, params={"responses": []})


def test_a_column_that_nothing_provides_is_found_before_anything_is_scored(tmp_path):
    (tmp_path / "mine.py").write_text("def right(responses, solution, scale):\n    return [scale] * len(responses)\n")
    spec = RewardSpec(reward="mine.py:right", params={"scale": 2.0})
    assert rewards.resolve(spec, base_dir=tmp_path, columns=["solution"]).name == "right"
    message = refusal(rewards.resolve, spec, base_dir=tmp_path, columns=["answer"])
    assert "requires 'solution', which is neither a param nor a column of the data" in message


@pytest.mark.parametrize("name", ["math", "match"])
def test_the_column_of_the_answers_must_be_there(name):
    spec = RewardSpec(reward=name, params={"answer_field": "answr"})
    assert "unknown field 'answr'; did you mean 'answer'?" in refusal(rewards.resolve, spec, columns=["answer"])
    assert "unknown field 'answer'; known: solution" in refusal(rewards.resolve, name, columns=["solution"])
    assert rewards.resolve(name, columns=["answer"]).name == name


def test_two_rewards_of_one_name_are_refused(tmp_path):
    (tmp_path / "mine.py").write_text("def math(responses):\n    return [0.0] * len(responses)\n")
    specs = [RewardSpec(reward="math"), RewardSpec(reward="mine.py:math")]
    with pytest.raises(rewards.RewardError, match="are both called 'math'"):
        rewards.resolve_all(specs, base_dir=tmp_path)
    assert [reward.name for reward in rewards.resolve_all(specs[:1])] == ["math"]
