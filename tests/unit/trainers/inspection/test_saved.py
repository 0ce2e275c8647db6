"""Saved rollouts are cut where the tokens stand, filtered and sorted; damage is named."""

from __future__ import annotations

import pytest

from tests.unit.trainers.inspection.conftest import row, save
from trainers.inspection.saved import Bounds, InspectionError, load, pieces_of, select
from trainers.run_folder import RunFolder


def test_sentences_carry_their_ratios_and_the_text_is_whole(run):
    first = load(run, step=1)[0]
    assert [(each.text, each.tokens, each.ratio, each.clip) for each in first.pieces] == [
        ("One. ", 1, 1.05, "high"),
        ("Two three.", 3, 0.99, ""),
    ]
    assert (first.clipped, first.segments, first.farthest) == (1, 2, 1.05)
    assert first.bounds == Bounds("lpo", low=0.97, high=1.03)


def test_tokens_are_pieces_where_each_has_a_ratio(run):
    [response] = load(run, stage="tokens")
    assert [(each.text, each.sentence, each.ratio) for each in response.pieces] == [
        ("One. ", 0, 1.0),
        ("Two ", 1, 1.3),
        ("three.", 1, 0.9),
        ("", 1, 1.0),  # the end token
    ]
    assert response.bounds.dual == 3.0


def test_one_ratio_of_a_response_is_that_of_all_its_sentences():
    pieces = pieces_of(row(0, grain="response", ratios=[1.2], clips=["high"]))
    assert [(each.ratio, each.clip) for each in pieces] == [(1.2, "high"), (1.2, "high")]


def test_a_response_without_ratios_says_why(run):
    reasons = [each.why_not_recorded for each in load(run)]
    assert reasons[0] == ""
    assert "its advantage is 0" in reasons[1]
    assert "its reward is invalid" in reasons[4]
    assert reasons[-1] == "ratios not recorded"
    older = load(run, step=4)[0]
    assert [each.text for each in older.pieces][-1] == "Then & so."
    assert "".join(each.text for each in older.pieces) == older.row["response"]


def test_filters_and_orders(run):
    everything = load(run)
    assert [each.step for each in everything] == [1, 1, 2, 2, 2, 3, 4]
    assert [each.group for each in load(run, step=2)] == [0, 0, 1]
    assert {each.step for each in load(run, last=2)} == {3, 4}
    assert [each.farthest for each in select(everything, only_clipped=True, sort="ratio")] == [0.7, 1.3, 1.05]
    assert len(select(everything, wrong=True)) == 2  # the reward of one is invalid
    assert select(everything, sort="advantage")[0].advantage == 1.2
    assert select(everything, sort="reward")[-1].reward is None


def test_a_colour_is_full_at_twice_the_bound_and_ends_there():
    bounds = Bounds(low=0.8, high=1.2)  # log 0.8 = -0.22314, the farther one
    assert bounds.strength(0.8) == pytest.approx(-0.5)
    assert bounds.strength(1.2) == pytest.approx(0.18232 / 0.44629, abs=1e-4)
    assert (bounds.strength(100.0), bounds.strength(0.0), bounds.strength(1.0)) == (1.0, -1.0, 0.0)


def test_what_cannot_be_looked_at_is_named(run, tmp_path):
    with pytest.raises(InspectionError, match="no saved rollouts of step 9: there are steps 1 to 4 of rl, tokens"):
        load(run, step=9)
    save(run.path, "rl", 5, [row(0)])
    with (run.rollouts / "rl-000005.jsonl").open("a") as file:
        file.write('{"number": 1}\n')
    with pytest.raises(InspectionError, match=r"rl-000005\.jsonl, line 2 is damaged"):
        load(run)
    save(run.path, "rl", 5, [row(0, advantage="much")])
    with pytest.raises(InspectionError, match=r"line 1 is damaged \(advantage: Input should be a valid number"):
        load(run)
    empty = tmp_path / "empty"
    (empty / "rollouts").mkdir(parents=True)
    (empty / "recipe.yaml").write_text("name: x")
    with pytest.raises(InspectionError, match=r"tracking\.sampled_groups"):
        load(RunFolder.open(empty))
