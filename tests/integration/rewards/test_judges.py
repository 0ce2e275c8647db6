"""Arena and rubric in processes of their own, before a judge behind a server, as a run has them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lpo.recipe import load_recipe
from lpo.recipe.runtime import RewardSpec, RewardWorkers
from rewards import RewardError, resolve, score_groups
from rewards.isolation import RewardPool
from rewards.testing import groups_of
from tests.unit.rewards.judge.server import Raw, pairwise, serving, shown

SECRET = "sk-0123456789secret"
ROOT = Path(__file__).resolve().parents[3]
LIST = "about: Sums.\nitems:\n  - {name: right, kind: must, weight: 3, description: The sum is right.}\n"


def rows(groups: int, size: int = 4) -> list[dict]:
    return [
        {"prompt": f"{number} + 1?", "responses": [f"{number + place % 3}" + "." * place for place in range(size)]}
        for number in range(groups)
    ]


def honest(messages) -> str:
    prompt = shown(messages)["prompt"]
    right = str(int(prompt.split()[0]) + 1)
    if "Statements:" in messages[0]["content"]:
        return json.dumps({"marks": {"1": "yes" if shown(messages)["response"].strip(".") == right else "no"}})
    return pairwise(lambda first, second: (first.strip(".") == right) - (second.strip(".") == right))(messages)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("recipe")
    (folder / "sums.yaml").write_text(LIST)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_JUDGE_KEY", SECRET)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def pool(folder: Path) -> Iterator[RewardPool]:
    with RewardPool(RewardWorkers(workers=2, timeout_s=180), folder) as pool:
        yield pool


def specs(url: str) -> list[RewardSpec]:
    judge = {"endpoint": url, "model": "m", "key_env": "TEST_JUDGE_KEY", "backoff_s": 0.01}
    return [
        RewardSpec(reward="arena", params={"judge": judge}),
        RewardSpec(reward="rubric", weight=0.5, params={"judge": judge, "checklist": "sums.yaml"}),
    ]


def test_a_batch_is_judged_in_a_worker_and_another_process_asks_nothing(folder, pool, caplog, capfd):
    groups, again = groups_of(rows(8)), groups_of(rows(8))
    with serving(honest) as server:
        report = score_groups(groups, pool.resolve_all(specs(server.url), []))
        assert report.invalid == {}
        # One of four is right: it takes 0.75 of each point, the others 0.25 from it and 0.5 from each other.
        # The rubric's must is met, or caps nothing but 0.
        one, other = 0.75 + 0.5, (0.25 + 0.5 + 0.5) / 3
        assert [each for group in groups for each in group.rewards] == pytest.approx([other, one, other, other] * 8)
        asked = Counter("Statements:" in body["messages"][0]["content"] for body in server.asked)
        assert asked == {False: 8 * 12, True: 32}
        assert server.headers[0]["authorization"] == f"Bearer {SECRET}"
        here = score_groups(again, [resolve(spec, base_dir=folder) for spec in specs(server.url)])
        assert len(server.asked) == 8 * 12 + 32
    assert here.metrics["arena/cached"] == 3  # for each response
    assert [group.rewards for group in again] == [group.rewards for group in groups]
    files = [file for file in folder.glob("cache/**/*") if file.is_file()]
    assert len(files) == 8 * 12 + 32
    seen = [caplog.text, *capfd.readouterr(), repr(report), repr(here), *(file.read_text() for file in files)]
    assert not any(SECRET in text for text in seen)


def test_a_judge_that_dies_in_the_middle_of_a_batch_leaves_invalid_samples(pool):
    def dying(messages):
        return honest(messages) if len(server.asked) <= 60 else Raw(503, "out of memory")

    with serving(dying) as server:
        groups = groups_of(rows(30))
        report = score_groups(groups, [pool.resolve(specs(server.url)[0])])
    arena = [each.components["arena"] for group in groups for each in group.responses]
    assert 0 < sum(value is not None for value in arena) < len(arena)
    assert {cause for _, cause in report.invalid} == {"judge_down"}
    assert 0 not in arena  # nobody loses everything here, and nothing that failed counts as lost
    assert len(server.asked) < 250  # of 360 questions, four times each


def test_a_key_in_the_params_is_refused_without_being_shown(pool):
    spec = RewardSpec(reward="arena", params={"judge": {"endpoint": "http://h/v1", "model": "m", "api_key": SECRET}})
    with pytest.raises(RewardError) as refused:
        pool.resolve(spec)
    assert "judge.api_key: keys do not belong in a recipe" in str(refused.value)
    assert SECRET not in str(refused.value)


def test_the_cost_of_a_judge_is_known_before_a_run(pool):
    swiss = RewardSpec(reward="arena", params={"judge": {"endpoint": "http://h/v1", "model": "m"}, "mode": "swiss"})
    arena, rubric = pool.resolve_all(specs("http://h/v1"))
    cheaper = pool.resolve(swiss)
    assert pool.resolve(RewardSpec(reward="math")).questions == ()
    assert [arena.questions[8], rubric.questions[8], cheaper.questions[8]] == [56, 8, 40]
    assert [arena.questions[64], cheaper.questions[64]] == [4032, 512]


def test_the_recipe_of_the_docs_is_one(folder, pool):
    text = (ROOT / "docs" / "judges.md").read_text(encoding="utf-8")
    recipe = text.partition("```yaml\n# judged.yaml\n")[2].partition("```")[0]
    assert recipe
    (folder / "judged.yaml").write_text(recipe)
    checklist = text.partition("```yaml\n# help.yaml\n")[2].partition("```")[0]
    (folder / "help.yaml").write_text(checklist)
    (folder / "questions.jsonl").write_text('{"prompt": "Where is Save?", "answer": "File"}\n')
    loaded = load_recipe(folder / "judged.yaml")
    stage = loaded.recipe.stages[0]
    resolved = pool.resolve_all(loaded.recipe.rewards_of(stage), ["answer"])
    assert all(reward.call_seconds <= loaded.recipe.reward_workers.timeout_s for reward in resolved)
    assert [reward.name for reward in resolved] == ["rubric", "arena"]
    asked = resolved[1].questions[stage.group_size]
    assert f"arena asks {asked} questions about a group, {asked * stage.prompts_per_step} a step" in text


def test_the_front_end_snippet_of_the_docs_is_one(pool):
    text = (ROOT / "docs" / "judges.md").read_text(encoding="utf-8")
    snippet = text.partition("```yaml\n# in a stage of a recipe with reward_workers: {timeout_s: ")[2].partition("```")[
        0
    ]
    seconds, _, stage = snippet.partition("}\n")
    (spec,) = [RewardSpec.model_validate(each) for each in yaml.safe_load(stage)["rewards"]]
    reward = pool.resolve(spec, ["checks"])
    assert (reward.scope, reward.asynchronous, reward.questions[8]) == ("sample", True, 8)
    assert 60 < reward.call_seconds <= float(seconds)
    pairwise = spec.model_copy(update={"params": {"judge": {**spec.params["judge"], "mode": "pairwise"}}})
    reward = pool.resolve(pairwise)
    assert (reward.scope, reward.questions[8]) == ("group", 56)
    plain = pool.resolve(RewardSpec(reward="frontend"))
    assert (plain.scope, plain.asynchronous, plain.questions[8]) == ("sample", False, 0)
    with pytest.raises(RewardError, match=r"judge\.weight is 2"):
        pool.resolve(spec.model_copy(update={"params": {"judge": {**spec.params["judge"], "weight": 2}}}))
