"""What travels with a job, how it is followed, and what it returns."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ray.job_submission import JobStatus

from lpo.recipe import LoadedRecipe, load_recipe, relocate_files
from trainers import submit as submitting
from trainers.placement import ClusterError
from trainers.submit import pack_job, submit

RECIPE = """
name: travelling
model: {kind: local, path: weights}
data:
  source: {kind: jsonl, path: data/rows.jsonl}
  held_out_source: {kind: huggingface, path: openai/gsm8k}
  solutions: solve.py:write
cluster: {address: "10.0.0.1:6379"}
stages:
  - kind: dft
    steps: 1
    optimizer: {learning_rate: 1.0e-3}
    rewards: [{reward: "judge.py:Judge.strict"}, {reward: math}, {reward: "rewards.correctness:math"}]
  - kind: rl
    steps: 1
    algorithm: lpo
    segmentation: {grain: "judge.py:cut"}
    rewards: [{reward: "judge.py:lenient"}]
    optimizer: {learning_rate: 1.0e-3}
"""


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedRecipe:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "config.json").write_text("{}")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.jsonl").write_text('{"prompt": "1"}\n')
    (tmp_path / "solve.py").write_text("def write(row): return '1'\n")
    (tmp_path / "judge.py").write_text("def lenient(responses): return [1.0] * len(responses)\n")
    (tmp_path / "r.yaml").write_text(RECIPE)
    return load_recipe(tmp_path / "r.yaml")


def test_every_file_of_a_recipe_is_asked_for_and_replaced(loaded: LoadedRecipe, tmp_path: Path):
    asked: list[Path] = []

    def move(path: Path) -> str:
        asked.append(path)
        return f"/new/{path.name}"

    moved = relocate_files(loaded.resolved, move)
    assert moved["model"]["path"] == "/new/weights"
    assert moved["data"]["source"]["path"] == "/new/rows.jsonl"
    assert moved["data"]["solutions"] == "/new/solve.py:write"
    assert moved["stages"][1]["segmentation"]["grain"] == "/new/judge.py:cut"
    rewards = [each["reward"] for each in moved["stages"][0]["rewards"]]
    assert rewards == ["/new/judge.py:Judge.strict", "math", "rewards.correctness:math"]
    # a hub id is no file
    assert moved["data"]["held_out_source"]["path"] == "openai/gsm8k"
    assert set(asked) == {tmp_path / name for name in ("weights", "data/rows.jsonl", "solve.py", "judge.py")}
    assert loaded.resolved["model"]["path"] == str(tmp_path / "weights")


def test_an_id_stays_one_where_a_folder_of_that_name_lies(
    loaded: LoadedRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "elsewhere" / "openai" / "gsm8k").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    moved = relocate_files(loaded.resolved, lambda path: "moved")
    assert moved["data"]["held_out_source"]["path"] == "openai/gsm8k"


def test_a_packed_job_can_be_moved_and_loads_where_it_is(loaded: LoadedRecipe, tmp_path: Path):
    packed, moved = tmp_path / "packed", tmp_path / "moved"
    packed.mkdir()
    pack_job(loaded, packed)
    packed.rename(moved)
    again = load_recipe(moved / "recipe.yaml")
    assert again.recipe.model.path.startswith(str(moved))
    assert Path(again.recipe.model.path, "config.json").is_file()
    assert again.recipe.stages[1].rewards[0].reward == f"{moved}/files/{number_of(moved, 'judge.py')}/judge.py:lenient"
    # a file named by three fields travels once
    assert len(list(moved.rglob("judge.py"))) == 1
    # the job's cluster is the one that it was submitted to
    assert again.recipe.cluster.address is None
    for package in ("lpo", "rewards", "rollout", "trainers", "recipes"):
        assert (moved / package).is_dir()
    assert not list(moved.rglob("__pycache__"))


def number_of(folder: Path, name: str) -> str:
    (found,) = folder.rglob(name)
    return found.parent.name


@dataclass
class Info:
    status: JobStatus
    driver_exit_code: int | None = None
    message: str | None = None


@dataclass
class FakeClient:
    """A job server that plays one job; ``infos`` are its answers, the last one for good."""

    infos: list[Info]
    chunks: list[Any] = field(default_factory=lambda: ["first li", "ne\nsecond\n", "end"])
    submitted: dict[str, Any] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)

    def submit_job(self, **arguments: Any) -> str:
        self.submitted = arguments | {"recipe": Path(arguments["runtime_env"]["working_dir"], "recipe.yaml").exists()}
        return "raysubmit_1"

    async def tail_job_logs(self, job: str) -> AsyncIterator[str]:
        for chunk in self.chunks:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk

    def get_job_info(self, job: str) -> Info:
        return self.infos.pop(0) if len(self.infos) > 1 else self.infos[0]

    def stop_job(self, job: str) -> None:
        self.stopped.append(job)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(submitting.time, "sleep", lambda seconds: None)


def run(
    monkeypatch: pytest.MonkeyPatch, client: FakeClient, loaded: LoadedRecipe, **options: Any
) -> tuple[int, list[str]]:
    lines: list[str] = []
    monkeypatch.setattr(submitting, "_client", lambda url: client)
    return submit(loaded, "head:8265", show=lines.append, **options), lines


@pytest.mark.parametrize(
    ("info", "code"),
    [
        (Info(JobStatus.SUCCEEDED, 0), 0),
        (Info(JobStatus.FAILED, 2), 2),
        (Info(JobStatus.FAILED, None, "working_dir could not be unpacked"), 1),
        (Info(JobStatus.STOPPED, 143), 143),
        (Info(JobStatus.STOPPED, None), 1),
    ],
)
def test_the_exit_code_is_the_jobs(monkeypatch: pytest.MonkeyPatch, loaded: LoadedRecipe, info: Info, code: int):
    returned, lines = run(monkeypatch, FakeClient([Info(JobStatus.RUNNING), info]), loaded)
    assert returned == code
    assert lines[-1].startswith(f"job raysubmit_1: {info.status.value.lower()}")
    assert (info.message is None) or info.message in lines[-1]


def test_output_arrives_in_whole_lines(monkeypatch: pytest.MonkeyPatch, loaded: LoadedRecipe):
    _, lines = run(monkeypatch, FakeClient([Info(JobStatus.SUCCEEDED, 0)]), loaded)
    assert lines[0] == "job raysubmit_1 submitted to http://head:8265"
    assert lines[-4:-1] == ["first line", "second", "end"]


def test_the_runtime_environment(monkeypatch: pytest.MonkeyPatch, loaded: LoadedRecipe):
    client = FakeClient([Info(JobStatus.SUCCEEDED, 0)])
    run(monkeypatch, client, loaded, environment={"HF_TOKEN": "x"}, packages=["sympy==1.14"])
    runtime = client.submitted["runtime_env"]
    assert client.submitted["recipe"]  # it was there when the job was submitted
    assert not Path(runtime["working_dir"]).exists()  # and is gone now
    assert runtime["env_vars"]["HF_TOKEN"] == "x"
    assert int(runtime["env_vars"]["RAY_JOB_STOP_WAIT_TIME_S"]) > 60
    assert runtime["pip"] == ["sympy==1.14"]
    run(monkeypatch, client, loaded)
    assert "pip" not in client.submitted["runtime_env"]


def test_not_followed(monkeypatch: pytest.MonkeyPatch, loaded: LoadedRecipe):
    code, lines = run(monkeypatch, FakeClient([Info(JobStatus.PENDING)]), loaded, follow=False)
    assert code == 0
    assert "ray job logs --address http://head:8265 --follow raysubmit_1" in lines[-1]


def test_ctrl_c_leaves_the_job_and_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, loaded: LoadedRecipe):
    for confirm in (None, lambda question: False):
        client = FakeClient([Info(JobStatus.RUNNING)], chunks=["a\n", KeyboardInterrupt()])
        code, lines = run(monkeypatch, client, loaded, confirm=confirm)
        assert code == 130
        assert client.stopped == []
        assert "ray job logs --address http://head:8265 --follow raysubmit_1" in lines[-1]
        assert "ray job stop --address http://head:8265 raysubmit_1" in lines[-1]


def test_ctrl_c_stops_the_job_when_asked_to(monkeypatch: pytest.MonkeyPatch, loaded: LoadedRecipe):
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return True

    infos = [Info(JobStatus.RUNNING), Info(JobStatus.STOPPED, 143)]
    client = FakeClient(infos, chunks=["a\n", KeyboardInterrupt()])
    code, lines = run(monkeypatch, client, loaded, confirm=confirm)
    assert code == 143
    assert client.stopped == ["raysubmit_1"]
    assert asked == ["Stop job raysubmit_1 as well?"]
    assert "the run saves what it has" in lines[-2]


def test_output_that_breaks_off_is_no_success(monkeypatch: pytest.MonkeyPatch, loaded: LoadedRecipe):
    client = FakeClient([Info(JobStatus.RUNNING)], chunks=["a\n", RuntimeError("WebSocket closed")])
    with pytest.raises(ClusterError, match=r"WebSocket closed.*the job may go on.*ray job logs"):
        run(monkeypatch, client, loaded)


def test_a_run_folder_that_will_not_outlive_the_job_is_said(
    monkeypatch: pytest.MonkeyPatch, loaded: LoadedRecipe, tmp_path: Path
):
    _, lines = run(monkeypatch, FakeClient([Info(JobStatus.SUCCEEDED, 0)]), loaded)
    assert any("run_dir is not set" in line for line in lines)
    kept = load_recipe(tmp_path / "r.yaml", ["run_dir=/shared/run"])
    _, lines = run(monkeypatch, FakeClient([Info(JobStatus.SUCCEEDED, 0)]), kept)
    assert not any("run_dir" in line for line in lines)


def test_an_address_that_is_none(loaded: LoadedRecipe):
    with pytest.raises(ClusterError, match=r"no Ray job server answers there .Invalid IPv6 URL"):
        submit(loaded, "http://[")


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_nobody_at_the_address(loaded: LoadedRecipe, scheme: str):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(ClusterError, match=f"--address http://{address}: no Ray job server answers there"):
        submit(loaded, scheme + address)
