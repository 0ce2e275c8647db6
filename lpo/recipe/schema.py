"""The recipe: the only configuration of a run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from lpo.recipe.base import FileName, NonNegative, Section
from lpo.recipe.data import Data
from lpo.recipe.model import HubModel, LocalModel, Model, ScratchModel
from lpo.recipe.runtime import Checkpoints, Cluster, Engine, Learner, RewardWorkers, Tracking
from lpo.recipe.stages import DftStage, RlStage, Stage


class Recipe(Section):
    """A model, its data, and the stages it goes through. Importable without torch, ray, vllm or deepspeed."""

    name: FileName
    description: str = ""
    seed: NonNegative = 0
    """Of weights, order and sampling."""
    run_dir: str | None = None
    """None: a new folder under runs/."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where engines and learner compute."""
    model: Model
    data: Data
    stages: list[Stage] = Field(min_length=1)
    engine: Engine = Engine()
    learner: Learner = Learner()
    cluster: Cluster = Cluster()
    reward_workers: RewardWorkers = RewardWorkers()
    tracking: Tracking = Tracking()
    checkpoints: Checkpoints = Checkpoints()

    @model_validator(mode="after")
    def _consistent(self) -> Recipe:
        names = [stage.name for stage in self.stages]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"stages: name '{sorted(twice)[0]}' is used twice; give every stage a name of its own")
        if self.device == "cpu" and self.engine.tensor_parallel > 1:
            raise ValueError(
                f"engine.tensor_parallel {self.engine.tensor_parallel} needs GPUs; with device: cpu use engine.workers"
            )
        if self.engine.dtype != self.learner.dtype:
            raise ValueError(
                f"engine.dtype {self.engine.dtype} and learner.dtype {self.learner.dtype} differ: the policy that is "
                "sampled would not be the one that is trained; make them the same"
            )
        if self.device == "cuda" and self.engine.transfer == "cpu":
            raise ValueError("engine.transfer cpu: engines on GPUs take their weights by NCCL; use auto")
        if self.learner.offload_optimizer and self.learner.zero_stage == 0:
            raise ValueError("learner.offload_optimizer needs learner.zero_stage 1 or more")
        if self.learner.dtype == "bfloat16" and self.learner.zero_stage == 0:
            raise ValueError(
                "learner.dtype bfloat16 with zero_stage 0 would add up gradients in bfloat16; "
                "set learner.zero_stage to 1 or more"
            )
        if self.device == "cuda" and self.cluster.colocate:
            raise ValueError(
                "cluster.colocate true: NCCL cannot join two processes on one GPU; leave it out with device: cuda"
            )
        if isinstance(self.model, ScratchModel) and self.stages[0].kind != "dft":
            raise ValueError("model.kind scratch starts from random weights; make the first stage a dft stage")
        return self

    @property
    def trust_remote_code(self) -> bool:
        """Whether the model's folder may run Python code of its own."""
        return isinstance(self.model, LocalModel | HubModel) and self.model.trust_remote_code

    def rewards_of(self, stage: DftStage | RlStage) -> list:
        """The rewards that judge a stage's responses: its own, or those of the next rl stage."""
        if stage.rewards:
            return stage.rewards
        later = self.stages[self.stages.index(stage) :]
        return next((each.rewards for each in later if each.kind == "rl"), [])
