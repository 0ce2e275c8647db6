"""A judge behind a server that answers, stammers, refuses, hangs and dies."""

from __future__ import annotations

import asyncio
import email.utils
import json
import logging
import socket
import time
from functools import partial
from types import SimpleNamespace

import pytest

from lpo.errors import InputError
from rewards.judge.asking import Judge, Session
from rewards.judge.circuit import Circuit
from rewards.judge.endpoint import retry_after
from rewards.judge.faults import JudgeFault
from rewards.judge.material import Pictures, prompt_text
from rewards.judge.questions import Asked
from rewards.judge.settings import KEY, judge_settings
from tests.unit.rewards.judge.server import Raw, completion, in_turn, serving

ASKED = Asked("2 + 2?", "right sums")
GOOD = '{"verdict": "A>B"}'
PATIENT = {"backoff_s": 0.001, "rest_s": 30.0, "timeout_s": 5.0, "patience_s": 20.0, "cache": False}


def judge_of(server, base_dir=None, **fields):
    settings = judge_settings(
        {"endpoint": server if isinstance(server, str) else server.url, "model": "m", **PATIENT, **fields}
    )
    return Judge(settings, base_dir)


def asks(judge, *pairs):
    """The outcome of each pair, or its fault; and what it cost."""

    async def all_of_them():
        session = Session(judge)
        outcomes = await asyncio.gather(*(session.compare(ASKED, *pair) for pair in pairs), return_exceptions=True)
        return list(outcomes), session.tally

    outcomes, tally = asyncio.run(all_of_them())
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, JudgeFault):
            raise outcome
    return outcomes, tally


def fault(judge, pair=("4", "5")):
    (found,), _ = asks(judge, pair)
    assert isinstance(found, JudgeFault), found
    return found


def test_a_question_is_a_chat_completion_with_the_sampling_of_the_settings():
    with serving(lambda _: GOOD) as server:
        judge = judge_of(
            server, temperature=0.5, max_tokens=None, extra={"seed": 7, "response_format": {"type": "json_object"}}
        )
        assert asks(judge, ("4", "5"))[0] == [1.0]
    (body,) = server.asked
    assert {name: value for name, value in body.items() if name != "messages"} == {
        "model": "m", "temperature": 0.5, "seed": 7, "response_format": {"type": "json_object"},
    }  # fmt: skip
    assert [each["role"] for each in body["messages"]] == ["system", "user"]
    assert "right sums" in body["messages"][0]["content"]
    assert "authorization" not in server.headers[0]


def test_pictures_are_parts_of_the_message():
    pages = [Pictures(((1280, b"\x89PNG wide"), (390, b"\x89PNG narrow"))), Pictures(((1280, b"\x89PNG other"),))]
    with serving(lambda _: GOOD) as server:
        judge = judge_of(server)
        assert asks(judge, tuple(pages))[0] == [1.0]
    parts = server.asked[0]["messages"][1]["content"]
    assert [part["type"] for part in parts] == ["text", *["text", "image_url"] * 3, "text"]
    assert parts[1]["text"] == "Response A in a window 1280 pixels wide:"
    assert parts[2]["image_url"]["url"] == "data:image/png;base64,iVBORyB3aWRl"
    assert parts[5]["text"] == "Response B in a window 1280 pixels wide:"


@pytest.mark.parametrize(
    "trouble",
    [
        Raw(429, "slow down", {"Retry-After": "0"}),
        Raw(500, "oops"),
        Raw(503, "<html>starting</html>"),
        Raw(drop=True),
        Raw(body="<html>hello</html>"),
        Raw(body='{"choices": [{"message": {"content": "cut'),
        Raw(body='{"choices": []}'),
    ],
)
def test_what_may_pass_is_tried_again(trouble):
    with serving(in_turn(trouble, trouble, GOOD)) as server:
        outcomes, tally = asks(judge_of(server), ("4", "5"))
    assert outcomes == [1.0]
    assert (tally.requests, tally.retries, len(server.asked)) == (3, 2, 3)
    assert server.asked[0] == server.asked[2]


@pytest.mark.parametrize(
    ("trouble", "cause", "requests", "said"),
    [
        (Raw(429, "later"), "judge_busy", 3, "HTTP 429 later (3 tries)"),
        (Raw(500, "oops"), "judge_down", 3, "HTTP 500 oops (3 tries)"),
        (Raw(drop=True), "judge_down", 3, "no answer: "),
        (Raw(body="<html>"), "judge_down", 3, "the answer is no chat completion: '<html>'"),
        (Raw(400, "too long"), "judge_refused", 1, "HTTP 400 too long"),
        (Raw(404, "no such model"), "judge_refused", 1, "HTTP 404 no such model"),
        (Raw(302, "", {"Location": "http://127.0.0.1:1/"}), "judge_refused", 1, "HTTP 302"),
        (Raw(hang_s=30), "judge_down", 3, "no answer in 0.05 s (3 tries)"),
    ],
)
def test_what_does_not_pass_has_a_cause(trouble, cause, requests, said):
    with serving(lambda _: trouble) as server:
        judge = judge_of(server, retries=2, timeout_s=0.05 if trouble.hang_s else 5.0)
        (found,), tally = asks(judge, ("4", "5"))
    assert (found.cause, tally.requests) == (cause, requests)
    assert said in str(found)


def test_retry_after_is_waited_for_by_all_questions_or_refused_where_time_is_short():
    times = []

    def answers(_):
        times.append(time.monotonic())
        return Raw(429, "", {"Retry-After": "0.3"}) if len(times) == 1 else GOOD

    with serving(answers) as server:
        outcomes, _ = asks(judge_of(server, concurrency=1), ("4", "5"), ("4", "6"), ("4", "7"))
    assert outcomes == [1.0] * 3
    assert min(times[1:]) - times[0] >= 0.3
    with serving(lambda _: Raw(429, "", {"Retry-After": "3600"})) as server:
        assert fault(judge_of(server)).cause == "judge_busy"
    assert len(server.asked) == 1


def test_retry_after_is_read_in_both_forms():
    date = email.utils.formatdate(time.time() + 100, usegmt=True)
    assert 90 < retry_after({"retry-after": date}) <= 100
    assert [retry_after({"retry-after": value}) for value in ("2.5", "-1", "soon", "nan", "")] == [2.5, 0, 0, 0, 0]
    assert retry_after({}) == 0


def test_an_answer_without_a_verdict_is_asked_for_again_once():
    with serving(in_turn("I like A.", GOOD)) as server:
        assert asks(judge_of(server), ("4", "5"))[0] == [1.0]
        assert len(server.asked) == 2
    again = server.asked[1]["messages"]
    assert again[:2] == server.asked[0]["messages"]
    assert (again[2]["role"], again[2]["content"]) == ("assistant", "I like A.")
    assert "end with the JSON object" in again[3]["content"]


@pytest.mark.parametrize(
    "answer",
    [
        "I like A.",
        '{"verdict": "A"}',
        Raw(body=completion(None)),
        Raw(body=completion('as it says: {"verdict": "A>>B"}', finish_reason="length")),
    ],
)
def test_an_answer_that_stays_without_a_verdict_is_unparsable(answer, tmp_path):
    with serving(lambda _: answer) as server:
        judge = judge_of(server, tmp_path, cache="answers")
        assert fault(judge).cause == "judge_unparsable"
        assert len(server.asked) == 2
        fault(judge)
        assert len(server.asked) == 4  # and is not kept


def test_an_endless_answer_is_cut_off():
    with serving(lambda _: Raw(body="x" * (6 << 20))) as server:
        assert fault(judge_of(server, retries=0)).cause == "judge_down"


def test_no_more_than_concurrency_requests_are_under_way():
    with serving(lambda _: Raw(body=completion(GOOD), hang_s=0.01)) as server:
        asks(judge_of(server, concurrency=3), *((str(number), "5") for number in range(12)))
    assert len(server.asked) == 12
    assert server.most_at_once <= 3


def test_equal_questions_are_asked_once_also_at_one_time(tmp_path):
    with serving(lambda _: GOOD) as server:
        judge = judge_of(server, tmp_path, cache="answers")
        outcomes, tally = asks(judge, *[("4", "5")] * 5, ("5", "4"))
        assert outcomes == [1.0] * 6
        assert (tally.requests, tally.cached, len(server.asked)) == (2, 4, 2)
        assert asks(judge_of(server, tmp_path, cache="answers"), ("4", "5"))[1].cached == 1
        for other in ({"model": "n"}, {"temperature": 0.1}, {"max_tokens": 9}, {"extra": {"seed": 1}}):
            assert asks(judge_of(server, tmp_path, cache="answers", **other), ("4", "5"))[1].cached == 0
        pages = [Pictures(((1280, png),)) for png in (b"a", b"b", b"c")]
        assert asks(judge, (pages[0], pages[1]), (pages[0], pages[2]))[1].requests == 2


def test_an_answer_that_cannot_be_read_any_more_is_asked_for_again(tmp_path):
    with serving(lambda _: GOOD) as server:
        asks(judge_of(server, tmp_path, cache="answers"), ("4", "5"))
        (file,) = (tmp_path / "answers").glob("*/*.json")
        file.write_text(json.dumps({**json.loads(file.read_text()), "answer": "hm"}))
        assert asks(judge_of(server, tmp_path, cache="answers"), ("4", "5"))[0] == [1.0]
        assert len(server.asked) == 2


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def test_a_judge_that_is_down_is_not_asked_a_thousand_times():
    judge = judge_of(f"http://127.0.0.1:{free_port()}/v1", retries=1, concurrency=4)
    outcomes, tally = asks(judge, *((str(number), "x") for number in range(1000)))
    assert {each.cause for each in outcomes} == {"judge_down"}
    assert tally.requests < 20
    assert "ConnectError" in str(outcomes[0])
    assert "not asked: no answer: ConnectError" in str(outcomes[-1])


def test_a_judge_that_hangs_costs_one_time_out_and_not_one_for_each():
    with serving(lambda _: Raw(hang_s=60)) as server:
        outcomes, tally = asks(
            judge_of(server, timeout_s=0.1, concurrency=8), *((str(number), "x") for number in range(400))
        )
    assert {each.cause for each in outcomes} == {"judge_down"}
    assert tally.requests <= 16


def test_a_wrong_key_is_found_out_once():
    with serving(lambda _: Raw(401, "who are you")) as server:
        outcomes, tally = asks(judge_of(server, concurrency=4), *((str(number), "x") for number in range(200)))
    assert {each.cause for each in outcomes} == {"judge_refused", "judge_down"}
    assert tally.requests <= 8


def test_a_prompt_that_is_too_long_does_not_close_the_judge_to_others():
    def answers(messages):
        return Raw(400, "too long") if "long" in messages[1]["content"] else GOOD

    with serving(answers) as server:
        outcomes, _ = asks(
            judge_of(server, concurrency=1), *((f"long {number}", "x") for number in range(9)), ("4", "5")
        )
    assert [each.cause for each in outcomes[:9]] == ["judge_refused"] * 9
    assert outcomes[9] == 1.0


def test_it_is_asked_again_when_it_is_back(monkeypatch):
    state, clock = SimpleNamespace(down=True), SimpleNamespace(now=0.0)
    monkeypatch.setattr("rewards.judge.endpoint.Circuit", partial(Circuit, clock=lambda: clock.now))

    async def story(server):
        session = Session(judge_of(server, retries=0, concurrency=1))
        faults = 0
        for number in range(50):
            try:
                await session.compare(ASKED, str(number), "x")
            except JudgeFault:
                faults += 1
        assert (faults, len(server.asked)) == (50, 4)
        state.down = False
        clock.now = 31.0
        return await asyncio.gather(*(session.compare(ASKED, str(number), "x") for number in range(20)))

    with serving(lambda _: Raw(503) if state.down else GOOD) as server:
        assert asyncio.run(story(server)) == [1.0] * 20


def test_a_call_has_so_much_patience_and_no_more():
    with serving(lambda _: Raw(body=completion(GOOD), hang_s=60)) as server:
        found = fault(judge_of(server, patience_s=0.05))
    assert found.cause == "judge_slow"
    assert "patience_s, 0.05 s" in str(found)


def test_the_key_is_sent_and_shown_nowhere(monkeypatch, caplog, capfd, tmp_path):
    secret = "sk-0123456789secret"
    monkeypatch.setenv("MY_JUDGE_KEY", secret + "\n")
    caplog.set_level(logging.DEBUG)
    echo = Raw(401, f"no access with Bearer {secret}")
    with serving(in_turn(GOOD, echo)) as server:
        judge = judge_of(server, tmp_path, key_env="MY_JUDGE_KEY", cache="answers")
        assert asks(judge, ("4", "5"))[0] == [1.0]
        found = fault(judge, ("4", "6"))
    assert server.headers[0]["authorization"] == f"Bearer {secret}"
    assert "Bearer ***" in str(found)
    with serving(lambda _: Raw(body=f"<html>{secret}")) as server:
        found = [found, fault(judge_of(server, key_env="MY_JUDGE_KEY", retries=0))]
    written = "".join(file.read_text() for file in tmp_path.glob("answers/*/*.json"))
    seen = [
        caplog.text,
        *capfd.readouterr(),
        written,
        str(found),
        repr(judge.settings),
        judge.settings.model_dump_json(),
    ]
    assert not any(secret in text for text in seen)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "judge.endpoint is missing; set it or the environment variable LPO_JUDGE_ENDPOINT"),
        ({"endpoint": "http://h/v1"}, "judge.model is missing"),
        ({"endpoint": "localhost:8000", "model": "m"}, "judge.endpoint is 'localhost:8000'; it must be a base URL"),
        ({"endpoint": "ftp://h/v1", "model": "m"}, "must be a base URL such as http://localhost:8000/v1"),
        ({"endpoint": "http://u:p@h/v1", "model": "m"}, "carries a user or password"),
        ({"endpoint": "http://h/v1?key=sk-secret", "model": "m"}, "judge.endpoint has a query or fragment"),
        ({"api_key": "sk-secret"}, "judge.api_key: keys do not belong in a recipe"),
        ({"extra": {"Authorization": "sk-secret"}}, "judge.extra.Authorization: keys do not belong"),
        ({"key_env": "sk-secret"}, "judge.key_env must be the name of an environment variable"),
        ({"endpoint": "http://h/v1", "model": "m", "key_env": "NOT_SET_HERE"}, "names NOT_SET_HERE, which is not set"),
        ({"timout_s": 3}, "judge: unknown field 'timout_s'; did you mean 'timeout_s'?"),
        ({"timeout_s": 0}, "judge.timeout_s is 0: input should be greater than 0"),
        ({"concurrency": "many"}, "judge.concurrency is 'many': input should be a valid integer"),
        ({"temperature": 3}, "judge.temperature is 3"),
        ({"extra": {"stream": True}}, "judge.extra.stream is set by lpo"),
        ({"function": "f.py:f", "endpoint": "http://h/v1"}, "has both an endpoint and a function"),
        ("gone.py:f", "judge file /"),
    ],
)
def test_settings_that_lead_to_no_judge_are_refused_without_showing_a_key(given, message, monkeypatch):
    for name in ("LPO_JUDGE_ENDPOINT", "LPO_JUDGE_MODEL", KEY):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError) as refused:
        Judge(judge_settings(given))
    assert message in str(refused.value)
    assert "sk-secret" not in str(refused.value)


def test_the_environment_fills_in_what_the_recipe_leaves_out(monkeypatch):
    monkeypatch.setenv("LPO_JUDGE_ENDPOINT", "http://elsewhere:1/v1")
    monkeypatch.setenv("LPO_JUDGE_MODEL", "big")
    settings = judge_settings(None)
    assert (settings.endpoint, settings.model) == ("http://elsewhere:1/v1", "big")
    assert judge_settings({"model": "small"}).model == "small"


def test_a_key_of_several_words_is_no_key(monkeypatch):
    monkeypatch.setenv(KEY, "two words")
    with pytest.raises(InputError, match=f"the variable {KEY} holds no key") as refused:
        judge_of("http://h/v1")
    assert "two words" not in str(refused.value)


FUNCTIONS = """
import asyncio

def longer(first, second):
    return max(-2, min(2, len(first) - len(second)))

async def slowly(first, second, prompt, criteria, reference):
    await asyncio.sleep(0)
    return {"2 + 2?": 1.5}[prompt] if criteria == "right sums" and reference is None else -2

def odd(first, **others):
    return {"text": "2", "big": 3, "nan": float("nan"), "none": None, "raises": 1}[first] / (first != "raises")

def blind(response):
    return 1
"""


def test_a_function_judges_in_the_place_of_an_endpoint(tmp_path):
    (tmp_path / "mine.py").write_text(FUNCTIONS)
    assert asks(Judge(judge_settings("mine.py:longer"), tmp_path), ("aaa", "aa"), ("a", "aaaaa"))[0] == [1.0, -2.0]
    assert asks(Judge(judge_settings({"function": "mine.py:slowly"}), tmp_path), ("a", "b"))[0] == [1.5]
    odd = Judge(judge_settings("mine.py:odd"), tmp_path)
    found, _ = asks(odd, *((word, "x") for word in ("big", "nan", "none", "text", "raises")))
    assert [each.cause for each in found] == ["judge_unparsable"] * 2 + ["judge_failed"] * 3
    assert "mine.py:odd returned 3.0, no number from -2 to 2" in str(found[0])
    assert "ZeroDivisionError" in str(found[4])
    with pytest.raises(InputError, match=r"judge 'mine\.py:blind' takes no argument 'first'"):
        Judge(judge_settings("mine.py:blind"), tmp_path).needs("first", "second")


def test_a_conversation_is_shown_with_its_roles():
    assert prompt_text([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]) == (
        "system: Be brief.\n\nuser: Hi"
    )
