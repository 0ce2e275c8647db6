"""Loading recipes: layers, overrides, files, YAML 1.2, and errors that say everything at once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpo.recipe import Recipe, RecipeError, dump_recipe, layers, load_recipe
from lpo.recipe.describe import describe_fields, renewed
from lpo.recipe.yaml_text import YamlError, dump, parse

BASE = """\
name: demo
model: {kind: scratch, layers: 2}
data:
  source: {kind: reasoning_gym, task: chain_sum}
stages:
  - {kind: dft, steps: 10, optimizer: {learning_rate: 1e-3}}
  - kind: rl
    steps: 5
    algorithm: {name: lpo, eps_low: 0.05}
    rewards: [{reward: correctness}]
    optimizer: {learning_rate: 5e-4}
"""


@pytest.fixture
def write(tmp_path):
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    write("base.yaml", BASE)
    return write


def refusal(*args, **kwargs) -> str:
    with pytest.raises(RecipeError) as caught:
        load_recipe(*args, **kwargs)
    return str(caught.value)


def test_it_imports_no_engine():
    heavy = ["torch", "ray", "vllm", "deepspeed", "mlflow", "transformers"]
    code = f"import sys, lpo.recipe; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x", "/" + "a" * 5000, "a\0b"])
def test_a_text_that_can_be_no_path_is_refused_where_a_path_is_needed(path, write, tmp_path):
    assert re.search("is no path that can be|is neither a file", refusal(path))
    assert "model.path is no path that can be" in refusal(
        "quickstart", ["model.kind=local", f'model.path="{path}"'.replace("\0", "\\0")]
    )
    spec = f'[{{reward: math, params: {{a: "{path}.yaml"}}}}]'.replace("\0", "\\0")
    assert (
        load_recipe("quickstart", [f"stages.rl.rewards={spec}"]).recipe.stages[1].rewards[0].params["a"]
        == f"{path}.yaml"
    )


def test_a_dumped_recipe_loads_back_to_the_same(write, tmp_path):
    recipe = load_recipe(tmp_path / "base.yaml").recipe
    again = load_recipe(write("again.yaml", dump_recipe(recipe)))
    assert again.recipe == recipe
    assert again.resolved == recipe.model_dump()


def test_overrides_address_stages_by_name_and_index(tmp_path, write):
    items = ["stages.rl.steps=7", "stages.0.steps=2", "engine.workers=2", "stages.rl.rewards.correctness.weight=2"]
    recipe = load_recipe(tmp_path / "base.yaml", items).recipe
    assert [stage.steps for stage in recipe.stages] == [2, 7]
    assert recipe.engine.workers == 2
    assert recipe.stages[1].rewards[0].weight == 2
    assert recipe.stages[1].algorithm.eps_low == 0.05


def test_an_extending_recipe_changes_one_stage_by_name(tmp_path, write):
    path = write("child.yaml", "extends: base.yaml\nstages:\n  rl: {steps: 9, optimizer: {schedule: cosine}}\n")
    stage = load_recipe(path).recipe.stages[1]
    assert (stage.steps, stage.optimizer.schedule, stage.optimizer.learning_rate) == (9, "cosine", 5e-4)


def test_lists_are_replaced(tmp_path, write):
    child = write(
        "child.yaml", "extends: base.yaml\nstages: [{kind: dft, steps: 1, optimizer: {learning_rate: 0.1}}]\n"
    )
    assert len(load_recipe(child).recipe.stages) == 1


def test_a_new_kind_drops_the_fields_of_the_old_one(tmp_path, write):
    algorithm = load_recipe(tmp_path / "base.yaml", ["stages.rl.algorithm.name=gspo"]).recipe.stages[1].algorithm
    assert algorithm.eps_low == 3e-4  # GSPO's own, not the 0.05 of the lpo it replaces
    # ... whatever the order in which the items are given.
    items = ["model.id=a/b", "model.kind=hub"]
    for order in (items, items[::-1]):
        assert load_recipe(tmp_path / "base.yaml", order).recipe.model.id == "a/b"


def test_a_kind_that_chooses_no_section_keeps_its_neighbours(tmp_path, write):
    items = ["stages.rl.mismatch={kind: tis, cap: 3}"]
    path = write("mid.yaml", dump_recipe(load_recipe(tmp_path / "base.yaml", items).recipe))
    assert load_recipe(path, ["stages.rl.mismatch.kind=icepop"]).recipe.stages[1].mismatch.cap == 3


def test_a_field_of_an_algorithm_that_was_given_as_a_word(tmp_path, write):
    items = ["stages.rl.algorithm=grpo_token_mean"]
    write("word.yaml", BASE.replace("{name: lpo, eps_low: 0.05}", "grpo_token_mean"))
    algorithm = load_recipe(tmp_path / "word.yaml", ["stages.rl.algorithm.eps_low=0.1"]).recipe.stages[1].algorithm
    assert (algorithm.name, algorithm.aggregation, algorithm.eps_low) == ("grpo", "token_mean", 0.1)
    assert load_recipe(tmp_path / "base.yaml", items).recipe.stages[1].algorithm.aggregation == "token_mean"


def test_several_parents_lie_over_one_another(tmp_path, write):
    write("fast.yaml", "engine: {workers: 4, threads: 2}\n")
    path = write("child.yaml", "extends: [base.yaml, fast.yaml]\nengine: {threads: 1}\n")
    engine = load_recipe(path).recipe.engine
    assert (engine.workers, engine.threads) == (4, 1)


def test_a_circle_is_refused(tmp_path, write):
    write("a.yaml", "extends: b.yaml\n")
    write("b.yaml", "extends: a.yaml\n")
    assert "a.yaml -> b.yaml -> a.yaml" in refusal(tmp_path / "a.yaml")


def test_shipped_recipes_are_found_by_name(tmp_path, write, monkeypatch):
    monkeypatch.setattr(layers, "shipped_recipes", lambda: {"quickstart": tmp_path / "base.yaml"})
    assert load_recipe("quickstart").recipe.name == "demo"
    child = write("child.yaml", "extends: quickstart\nname: child\n")
    assert load_recipe(child).recipe.name == "child"
    assert "did you mean 'quickstart'?" in refusal("quikstart")


def test_files_are_relative_to_the_recipe_that_states_them(tmp_path, write, monkeypatch):
    write("shared/rewards.py", "")
    write("shared/data.jsonl", "")
    write("here.py", "")
    write("shared/parent.yaml", "data: {source: {kind: jsonl, path: data.jsonl}, solutions: 'rewards.py:solve'}\n")
    path = write("runs/child.yaml", "extends: [../base.yaml, ../shared/parent.yaml]\ndata: {held_out: 9}\n")
    monkeypatch.chdir(tmp_path)
    loaded = load_recipe(path, ["stages.rl.rewards.0.reward=here.py:score"])
    assert loaded.recipe.data.source.path == str(tmp_path / "shared/data.jsonl")
    assert loaded.recipe.data.solutions == f"{tmp_path}/shared/rewards.py:solve"
    assert loaded.recipe.stages[1].rewards[0].reward == f"{tmp_path}/here.py:score"
    assert loaded.base_dir == tmp_path / "runs"


def test_a_data_set_is_a_folder_if_there_is_one_and_an_id_otherwise(tmp_path, write):
    (tmp_path / "folder").mkdir()
    items = "data.source={kind: huggingface, path: PATH}"
    assert load_recipe(tmp_path / "base.yaml", [items.replace("PATH", "a/b")]).recipe.data.source.path == "a/b"
    path = write("child.yaml", "extends: base.yaml\ndata: {source: {kind: huggingface, path: folder}}\n")
    assert load_recipe(path).recipe.data.source.path == str(tmp_path / "folder")
    assert "does not exist" in refusal(tmp_path / "base.yaml", [items.replace("PATH", "./a/b")])


def test_missing_files_are_errors_unless_the_run_is_only_looked_at(tmp_path, write):
    path = write("child.yaml", "extends: base.yaml\n\nmodel:\n  kind: local\n  path: nowhere\n")
    message = refusal(path)
    assert "child.yaml, line 5: model.path names" in message
    assert "does not exist" in message
    assert load_recipe(path, check_files=False).recipe.model.path.endswith("nowhere")


def test_all_errors_of_a_file_come_at_once_each_with_its_line(tmp_path, write):
    path = write(
        "bad.yaml",
        "extends: base.yaml\nmodel:\n  layers: two\n  hiden_size: 4\n"
        "stages:\n  rl:\n    optimizer: {learning_rate: -1}\n",
    )
    message = refusal(path)
    assert "3 fields" in message
    assert "bad.yaml, line 3: model.layers is 'two'; it takes a whole number above 0" in message
    assert "bad.yaml, line 4: model.hiden_size: unknown field 'hiden_size'; did you mean 'hidden_size'?" in message
    assert "bad.yaml, line 7: stages[1].optimizer.learning_rate is -1; it takes a number above 0" in message


def test_more_than_ten_errors_are_counted(tmp_path, write):
    path = write("bad.yaml", "extends: base.yaml\nengine:\n" + "".join(f"  wrong_{i}: 1\n" for i in range(14)))
    message = refusal(path)
    assert "14 fields" in message
    assert message.count("unknown field") == 10
    assert message.endswith("and 4 more")


def test_a_missing_field_says_what_it_takes(tmp_path, write):
    path = write("none.yaml", BASE.replace("{kind: reasoning_gym, task: chain_sum}", "{kind: reasoning_gym}"))
    assert "data.source.task is missing; it takes text that is not empty" in refusal(path)


def test_rules_between_fields_keep_their_own_words(tmp_path, write):
    message = refusal(tmp_path / "base.yaml", ["stages.rl.minibatches=3"])
    assert "stages[1]: prompts_per_step 8 is not a multiple of minibatches 3" in message


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("stages.rl.steps", "not of the form key=value"),
        ("stages..steps=3", "not of the form key=value"),
        ("stages.sft.steps=3", "has no item 'sft'; address one by name or index: dft, rl, 0, 1"),
        ("stages.7.steps=3", "has no item '7'"),
        ("engine.workers=[1", "not valid YAML"),
        ("engine.workers=two", "override 'engine.workers=two': engine.workers is 'two'"),
        ("stages.²=1", "has no item '²'"),
        ("stages.rl.algorithm.name=[lpo]", "unknown algorithm"),
        ("seed=0x" + "f" * 5000, "a whole number of 5002 characters"),
        ("name=5", "put it in quotes: '5'"),
        ("stages.rl.algorithm=lop", "did you mean 'lpo'?"),
        ("model.kind=scrach", "did you mean 'scratch'?"),
        ("stages.rl.kl.estimator=k5", "it takes one of k1, k2, k3"),
    ],
)
def test_bad_overrides(tmp_path, write, override, words):
    assert words in refusal(tmp_path / "base.yaml", [override])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a recipe is a mapping"),
        ("- 1\n", "a recipe is a mapping"),
        ("name: [\n", "line 2: not valid YAML"),
        ("name: a\nseed: 1\nname: b\n", "line 3: key 'name' stands twice, first on line 1"),
        ("name: !!python/object:os.system x\n", "has no meaning in a recipe"),
        ("1: x\n", "key 1 is not text"),
        ("a: &a [*a]\n", "contains itself"),
        ("extends: 3\n", "extends is 3; it takes a file"),
        ("extends: nowhere.yaml\n", "neither a file"),
    ],
)
def test_bad_files(write, text, words):
    assert words in refusal(write("bad.yaml", text))


def test_a_binary_file_and_a_folder(tmp_path, write):
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read as UTF-8" in refusal(tmp_path / "binary.yaml")
    assert "is a folder" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"), ("on", "on"), ("yes", "yes"), ("no", "no"), ("true", True), ("False", False), ("~", None),
        ("", None), ("1e-3", 1e-3), ("5e-4", 5e-4), ("1.", 1.0), (".5", 0.5), ("-1.5E+3", -1500.0), ("010", 10),
        ("0x1F", 31), ("0o17", 15), ("1_000", "1_000"), ("1:30", "1:30"), ("2024-01-01", "2024-01-01"),
        ("'1'", "1"), ("-.inf", float("-inf")), ("<<", "<<"), ("=", "="),
    ],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(text, value):
    assert parse(text).value == value
    assert type(parse(text).value) is type(value)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda each: st.lists(each) | st.dictionaries(st.text(), each), max_leaves=10)


@given(VALUES)
def test_what_is_dumped_is_read_back(value):
    assert parse(dump(value)).value == value


def test_the_line_of_every_value():
    lines = parse("a: 1\nb:\n  - x\n  - c: 2\n").lines
    assert (lines[("a",)], lines[("b",)], lines[("b", 0)], lines[("b", 1, "c")]) == (1, 2, 3, 4)


def test_bad_yaml_carries_its_line():
    with pytest.raises(YamlError) as caught:
        parse("a: 1\nb: 'open\n")
    assert caught.value.line == 3


def test_the_reference_page_is_current():
    page = (Path(__file__).parents[3] / "docs" / "recipes.md").read_text()
    assert renewed(page) == page, "run python -m lpo.recipe.describe"


def test_every_field_is_described():
    described = {(row.section, row.name) for section in describe_fields() for row in section.fields}
    assert {("Recipe", name) for name in Recipe.model_fields} <= described
    assert ("LPO", "entropy_clip") in described
    assert ("Mismatch", "cap") in described
