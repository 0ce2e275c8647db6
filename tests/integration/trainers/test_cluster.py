"""Recipes as jobs of a cluster of two nodes (two raylets of this machine, one CPU each) and the room that they get.

Learner and rollout worker do not share CPUs here, so that each must have a node of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from trainers.checkpoints import verify
from trainers.cli import app
from trainers.submit import authorization

START_TIMEOUT_S = 240
RAY = str(Path(sys.executable).with_name("ray"))

REWARD = '''
import json
import os

import ray


def by_line(text):
    """A grain, because it runs in the job's own process, where a reward does not: it writes down, once, from where each
    node's processes import lpo."""
    if ray.is_initialized() and not os.path.exists(os.environ["FACTS"]):
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        @ray.remote(num_cpus=0)
        def imported_from():
            import lpo

            return lpo.__file__

        nodes = [node["NodeID"] for node in ray.nodes()]
        calls = [
            imported_from.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote()
            for node in nodes
        ]
        facts = {"driver": os.getcwd(), "nodes": dict(zip(nodes, ray.get(calls)))}
        with open(os.environ["FACTS"], "w") as file:
            json.dump(facts, file)
    return [index + 1 for index, letter in enumerate(text) if letter == chr(10)]


def share_of_spaces(responses, **columns):
    return [text.count(" ") / (len(text) + 1) for text in responses]


def broken(responses, **columns):
    raise RuntimeError("the judge is ill")
'''

SHORT = [
    "cluster.colocate=false",
    "learner.threads=1",
    "tracking.mlflow=false",
    "stages.dft.steps=2",
    "stages.dft.evaluation.items=4",
    "stages.rl.steps=2",
    "stages.rl.evaluation.items=4",
]


@dataclass(frozen=True)
class TwoNodes:
    address: str
    dashboard: str

    def listed(self, what: str) -> list[dict]:
        """Ray's state API: ``nodes``, ``actors``, ``placement_groups``."""
        request = urllib.request.Request(f"{self.dashboard}/api/v0/{what}?limit=1000", headers=authorization())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]["result"]["result"]

    def size(self) -> int:
        """Living nodes; 0 before the dashboard is up."""
        try:
            return sum(node["state"] == "ALIVE" for node in self.listed("nodes"))
        except OSError:
            return 0

    def actors(self) -> list[dict]:
        """Of the runs; Ray has one of its own for every job."""
        return [actor for actor in self.listed("actors") if actor["class_name"] in ("LearnerRank", "RolloutWorker")]

    def assert_nothing_left(self) -> None:
        """No living actor and no placement group; Ray needs a moment after the job's end."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            left = [actor["class_name"] for actor in self.actors() if actor["state"] != "DEAD"]
            left += [each["name"] for each in self.listed("placement_groups") if each["state"] != "REMOVED"]
            if not left:
                return
            time.sleep(0.5)
        raise AssertionError(f"left behind: {left}")


def free_ports(count: int) -> list[str]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [str(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[TwoNodes]:
    before = set(os.listdir("/dev/shm"))
    port, dashboard, client, agent, other_agent = free_ports(5)
    # Short, because Ray puts sockets there; our own, so that no other process takes this cluster for its own; one for
    # each node, as nodes that share one unpack a job's working directory over each other.
    folders = [tempfile.mkdtemp(prefix="lpo", dir="/tmp") for _ in range(2)]
    # A job's `python` is the first on the nodes' PATH.
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "RAY_worker_niceness": "0",  # 15 by default, which starves on a machine that others use
        "RAY_DASHBOARD_STARTUP_TIMEOUT_S": str(START_TIMEOUT_S),
        # A head decides by itself, a node that joins it must be told.
        "RAY_AUTH_MODE": "token" if authorization() else "disabled",
    }
    environment.pop("RAY_ADDRESS", None)
    common = ["--num-cpus=1", "--num-gpus=0", "--object-store-memory=100000000", "--block", "--disable-usage-stats"]
    common += ["--min-worker-port=0", "--max-worker-port=0"]
    address = f"127.0.0.1:{port}"
    head = ["--head", "--node-ip-address=127.0.0.1", f"--port={port}", f"--dashboard-port={dashboard}"]
    head += [f"--ray-client-server-port={client}", f"--dashboard-agent-listen-port={agent}"]
    second = [f"--address={address}", "--node-ip-address=127.0.0.1", f"--dashboard-agent-listen-port={other_agent}"]
    cluster = TwoNodes(address, f"http://127.0.0.1:{dashboard}")
    nodes: list[subprocess.Popen] = []
    try:
        for arguments, folder in zip((head, second), folders, strict=True):
            command = [RAY, "start", *arguments, *common, f"--temp-dir={folder}"]
            start_node(command, environment, cluster, nodes)
        yield cluster
    finally:
        alive = end(nodes)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    assert alive == []
    assert not [name for name in set(os.listdir("/dev/shm")) - before if "plasma" in name]


def end(nodes: list[subprocess.Popen]) -> list[str]:
    """Ends the nodes as a user does; what of them had to be killed."""
    running = [node for node in nodes if node.poll() is None]
    processes = [child for node in running for child in psutil.Process(node.pid).children(recursive=True)]
    for node in reversed(running):
        node.send_signal(signal.SIGTERM)
        node.wait(120)
    _, alive = psutil.wait_procs(processes, timeout=60)
    names = [process.name() for process in alive]
    for process in alive:
        process.kill()
    return names


def start_node(
    command: list[str], environment: dict[str, str], cluster: TwoNodes, nodes: list[subprocess.Popen]
) -> None:
    """One more node. `ray start` gives itself 30 seconds, too few on a machine with much to do: three attempts."""
    for _ in range(3):
        node = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
        nodes.append(node)
        deadline = time.monotonic() + START_TIMEOUT_S
        while node.poll() is None and time.monotonic() < deadline:
            if cluster.size() == len(nodes):
                return
            time.sleep(0.5)
        end([node])
        nodes.remove(node)
    raise AssertionError(f"the node did not start: {' '.join(command)}")


@pytest.fixture(scope="module")
def recipe(small_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("job")
    (folder / "spaces.py").write_text(REWARD)
    text = small_recipe.read_text()
    with_grain = text.replace("algorithm: lpo", "algorithm: lpo\n    segmentation: {grain: 'spaces.py:by_line'}")
    assert with_grain != text
    (folder / "small.yaml").write_text(with_grain)
    return folder / "small.yaml"


def submit(nodes: TwoNodes, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["submit", *arguments, "--address", nodes.dashboard])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_a_job_trains_on_both_nodes_from_its_own_working_directory(two_nodes: TwoNodes, recipe: Path, tmp_path: Path):
    run, facts = tmp_path / "run", tmp_path / "facts.json"
    code, output = submit(two_nodes, str(recipe), *SHORT, f"run_dir={run}", "--env", f"FACTS={facts}")
    assert code == 0, output
    assert "stage rl" in output  # the job's own lines came through
    assert f"model: {run}" in output
    stages = [json.loads(line)["stage"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert stages == ["dft", "dft", "dft", "rl", "rl", "rl"]  # each begins with an evaluation
    places = {actor["class_name"]: actor["node_id"] for actor in two_nodes.actors()}
    assert places["LearnerRank"] != places["RolloutWorker"]
    found = json.loads(facts.read_text())
    assert set(found["nodes"]) == set(places.values())
    for imported in found["nodes"].values():
        assert "working_dir_files" in imported, found
    assert "working_dir_files" in found["driver"]
    two_nodes.assert_nothing_left()


def test_a_job_that_cannot_run_returns_2_and_says_why(two_nodes: TwoNodes, recipe: Path):
    code, output = submit(two_nodes, str(recipe), *SHORT, "data.source.task=chain_sums")
    assert code == 2, output
    assert "did you mean 'chain_sum'?" in output
    assert "Traceback" not in output


ASKING = """
import json, sys
from pathlib import Path

from lpo.recipe import load_recipe
from lpo.recipe.runtime import RewardSpec, RewardWorkers
from rewards.batch import Batch
from rewards.isolation import RewardPool
from rollout.reward_hosts import reward_hosts
from trainers.cluster import connected

folder = Path(sys.argv[1])
settings = RewardWorkers(workers=1, timeout_s=20)
name = f"{folder / 'where.py'}:where"
with connected(load_recipe("quickstart").recipe):
    with RewardPool(settings, folder, reward_hosts(settings, folder, [name])) as pool:
        reward = pool.resolve(RewardSpec(reward=name))
        pool.warm([reward])

        def judge(texts):
            return [result.info for result in pool.judge(reward, Batch(len(texts), {"responses": texts})).results]

        print(json.dumps([pool.workers, judge(["wait"] * 6), judge(["exit"] * 4), judge(["wait"] * 6)]))
"""

WHERE = """
import os, time
from rewards import RewardResult

def where(responses):
    if "exit" in responses:
        os._exit(1)
    time.sleep(0.3)
    node = os.environ.get("RAY_RAYLET_PID", "the driver's")
    return [RewardResult(1.0, info={"file": __file__, "node": node}) for _ in responses]
"""


def test_rewards_run_on_every_node(two_nodes: TwoNodes, tmp_path: Path):
    (tmp_path / "where.py").write_text(WHERE)
    (tmp_path / "ask.py").write_text(ASKING)
    environment = {**os.environ, "RAY_ADDRESS": two_nodes.address, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, str(tmp_path / "ask.py"), str(tmp_path)]
    asked = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert asked.returncode == 0, asked.stderr
    workers, before, lost, after = json.loads(asked.stdout.splitlines()[-1])
    assert workers == 2
    assert len({info["node"] for info in before}) == 2
    assert lost == [{}] * 4  # of each node's worker, which died
    assert len({info["node"] for info in after}) == 2


@pytest.mark.slow
def test_a_reward_that_fails_ends_the_job_with_1(two_nodes: TwoNodes, recipe: Path, tmp_path: Path):
    code, output = submit(
        two_nodes,
        str(recipe),
        *SHORT,
        f"stages.rl.rewards=[{{reward: '{recipe.parent / 'spaces.py'}:broken'}}]",
        f"run_dir={tmp_path / 'run'}",
    )
    assert code == 1, output
    assert "the judge is ill" in output
    two_nodes.assert_nothing_left()


@pytest.mark.slow
def test_ctrl_c_leaves_the_job_and_stopping_it_leaves_nothing(two_nodes: TwoNodes, recipe: Path, tmp_path: Path):
    from ray.job_submission import JobStatus, JobSubmissionClient

    facts, run = tmp_path / "facts.json", tmp_path / "run"
    endless = ["stages.rl.steps=100000", "checkpoints.every=100000"]
    arguments = [str(recipe), *SHORT, *endless, f"run_dir={run}", "--address", two_nodes.dashboard]
    following = subprocess.Popen(
        [sys.executable, "-m", "trainers", "submit", *arguments, "--env", f"FACTS={facts}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert following.stdout is not None
    seen = []
    for line in following.stdout:
        seen.append(line)
        if line.startswith("stage rl"):
            break
    following.send_signal(signal.SIGINT)
    output = "".join(seen) + following.stdout.read()
    assert following.wait(60) == 130, output
    job = output.partition("job ")[2].split()[0]
    assert f"ray job stop --address {two_nodes.dashboard} {job}" in output
    client = JobSubmissionClient(two_nodes.dashboard, headers=authorization())
    assert client.get_job_status(job) == JobStatus.RUNNING
    client.stop_job(job)
    deadline = time.monotonic() + 120
    while not client.get_job_status(job).is_terminal() and time.monotonic() < deadline:
        time.sleep(0.5)
    assert client.get_job_status(job) == JobStatus.STOPPED
    # no checkpoint of the stage was due: being stopped saved it
    saved = run / "checkpoints" / "latest"
    assert saved.resolve().name.startswith("rl-"), client.get_job_logs(job)
    verify(saved.resolve())
    two_nodes.assert_nothing_left()


def validate(nodes: TwoNodes, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["validate", *arguments, f"cluster.address={nodes.address}"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_the_cluster_is_asked_before_anything_starts(two_nodes: TwoNodes, recipe: Path):
    code, output = validate(two_nodes, str(recipe), *SHORT)
    assert code == 0, output
    assert f"on the cluster at {two_nodes.address}" in output
    code, output = validate(two_nodes, str(recipe), *SHORT, "engine.workers=2")
    assert code == 2
    assert "needs 3 CPU (1 learner rank of 1 CPU and 2 rollout workers of 1 CPU) and the 2 nodes have 2" in output
    code, output = validate(two_nodes, str(recipe), *SHORT, "cluster.colocate=true", "learner.threads=2")
    assert code == 2
    assert "one learner rank needs 2 CPU on one node, and the largest of the 2 nodes has 1" in output


def test_room_that_is_taken_is_waited_for_and_then_named(two_nodes: TwoNodes, recipe: Path):
    """In a process of its own: this one has other clusters to join."""
    program = """
import sys
import ray
from ray.util.placement_group import placement_group
from lpo.recipe import load_recipe
from trainers.cluster import connected, placed
from trainers.placement import ClusterError

recipe = load_recipe(sys.argv[1], sys.argv[2:]).recipe
with connected(recipe):
    taken = placement_group([{"CPU": 1}])
    assert taken.wait(60)
    try:
        with placed(recipe):
            raise AssertionError("there was room")
    except ClusterError as error:
        print(error)
"""
    wanted = [str(recipe), *SHORT, f"cluster.address={two_nodes.address}", "cluster.placement_timeout_s=1.5"]
    done = subprocess.run([sys.executable, "-c", program, *wanted], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "within cluster.placement_timeout_s 1.5: too few CPU are free" in done.stdout
    assert "CPU: 2 asked for, 2 exist, 1 free" in done.stdout
    two_nodes.assert_nothing_left()
