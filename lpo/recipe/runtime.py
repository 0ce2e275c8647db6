"""The machinery of a run: engines, learner, cluster, tracking, checkpoints."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from lpo.recipe.base import LARGEST, Name, NonNegative, Plugin, Positive, PositiveFloat, RecipeFile, Section

Dtype = Literal["float32", "bfloat16"]
TRACKING_SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "file", "databricks", "uc")


class Engine(Section):
    """The vLLM rollout fleet."""

    workers: Positive = 1
    """Ray actors, one vLLM engine in each."""
    threads: Positive = 1
    """CPU threads of one engine. Two engines of one thread beat one engine of two."""
    tensor_parallel: Positive = 1
    """GPUs of one engine."""
    dtype: Dtype = "float32"
    max_concurrency: Annotated[int, Field(gt=0, le=2**16)] = 64
    """Sequences that one engine decodes at a time (vLLM's max_num_seqs)."""
    kv_cache_gib: Annotated[float, Field(ge=0.01)] = 1.0
    """CPU only: size of the key-value cache of one engine."""
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = 0.85
    block_size: Literal[16, 32, 64, 128] = 32
    """Tokens of a cache block. Small blocks let short prompts be shared inside a group; on CPUs 32 is the least."""
    enforce_eager: bool | None = None
    """Skip compilation. None: true on CPU, false on GPU."""
    prepack: bool = True
    """CPU only: oneDNN-prepacked weights: faster to generate with, slower to update."""
    seed_requests: bool = True
    """A seed for every response, so that a run can be repeated exactly."""
    transfer: Literal["auto", "cpu", "nccl"] = "auto"
    """How new weights reach the engines. auto: by device."""
    start_timeout_s: PositiveFloat = 600.0


class Learner(Section):
    """The DeepSpeed policy learner."""

    ranks: Positive = 1
    """Data-parallel processes."""
    threads: Positive | None = None
    """CPU threads of one rank. None: all cores of the machine divided by the ranks."""
    zero_stage: Literal[0, 1, 2, 3] = 0
    offload_optimizer: bool = False
    """GPU only: keep optimiser states in host memory."""
    dtype: Dtype = "float32"
    micro_batch_tokens: Positive = 1024
    """Token budget of one forward and backward pass of one rank. The gradient does not depend on it."""
    share_prompts: bool = True
    """Compute the prompt of a group once for all of its responses."""
    attention: Literal["sdpa", "flex_attention"] = "sdpa"
    gradient_checkpointing: bool = False
    logprob_chunk_tokens: Positive = 1024
    """Tokens whose vocabulary logits are held in memory at one time."""


class Cluster(Section):
    address: str | None = None
    """None: a local Ray, started and stopped by the run (or the cluster of the job that runs it).
    ``auto`` or ``host:port``: an existing cluster."""
    placement_timeout_s: PositiveFloat = 120.0
    """How long to wait for the cluster to offer the CPUs and GPUs that the recipe asks for."""
    colocate: bool | None = None
    """Rollout workers and learner take turns on the same CPUs. None: true on CPUs; on GPUs each has devices of its
    own.
    """
    object_store_gib: PositiveFloat = 0.5
    """Shared memory of a local Ray. It holds two copies of the weights: those just pushed and the ones before."""


class Tracking(Section):
    mlflow: bool = True
    uri: str | None = None
    """MLflow tracking URI. None: ``MLFLOW_TRACKING_URI``, else ``sqlite:///runs/mlflow.db``."""
    experiment: str | None = None
    """None: the recipe's name."""
    system_metrics: bool = True
    sampled_groups: NonNegative = 4
    """Groups of responses saved per step in rollouts/, with rewards, sentences and their ratios (`lpo inspect`)."""
    traces: Annotated[int, Field(ge=0, le=1000)] = 0
    """Groups per step that become MLflow traces: prompt, rollout, rewards, advantage. With 0 there are none."""

    @property
    def watched_groups(self) -> int:
        """Groups per step whose ratios somebody looks at."""
        return max(self.sampled_groups, self.traces if self.mlflow else 0)

    @field_validator("uri")
    @classmethod
    def _known_store(cls, uri: str | None) -> str | None:
        scheme = uri.partition("://")[0] if uri and "://" in uri else None
        if scheme is not None and scheme.partition("+")[0] not in TRACKING_SCHEMES:
            known = ", ".join(f"{each}://" for each in TRACKING_SCHEMES)
            raise ValueError(f"MLflow knows no store '{scheme}://'; use a path or one of {known}")
        return uri


class Checkpoints(Section):
    every: Positive = 10
    """Steps between checkpoints of a stage; the last step always makes one."""
    keep: Positive = 2
    """Newest checkpoints kept, besides ``best``."""


class Evaluation(Section):
    every: Positive | None = None
    """Steps between evaluations. None: only before the first and after the last step."""
    items: Annotated[int, Field(ge=2)] = 200
    """Held-out prompts."""
    test_items: NonNegative = 0
    """Further held-out prompts, judged once, at the end of an rl stage (eval/test_accuracy): for what is chosen by
    looking at eval/accuracy must not be judged by it."""
    samples: Positive = 1
    """Responses per prompt at the stage's temperature."""
    greedy: bool = True
    """Also decode every prompt once at temperature 0."""
    seed: NonNegative = 1234


class Optimizer(Section):
    """AdamW with a learning-rate schedule and gradient-norm clipping."""

    learning_rate: Annotated[float, Field(gt=0, le=LARGEST)]
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup_steps: NonNegative = 0
    min_ratio: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Learning rate at the end of the schedule, as a part of ``learning_rate``."""
    betas: list[Annotated[float, Field(ge=0, lt=1)]] = Field(default_factory=lambda: [0.9, 0.999])
    eps: PositiveFloat = 1e-8
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: PositiveFloat | None = 1.0

    @model_validator(mode="after")
    def _two_betas(self) -> Optimizer:
        if len(self.betas) != 2:
            raise ValueError(f"betas has {len(self.betas)} values; AdamW takes two, for example [0.9, 0.999]")
        return self


class RewardSpec(Section):
    """One reward of a stage; several add up by weight."""

    reward: Plugin
    """``name`` of a shipped reward or installed plug-in, ``file.py:function`` or ``package.module:function``."""
    weight: float = 1.0
    params: Annotated[dict[str, object], RecipeFile("below")] = Field(default_factory=dict)
    """Keyword arguments bound to the reward. Functions in files (``file.py:function``) and files of YAML or JSON that
    are named here are found relative to the recipe, and travel with a job.
    """
    scope: Literal["sample", "group", "batch"] | None = None
    """What one call must see together: a response, all responses to a prompt, or the whole batch. None: what the
    reward's attribute ``scope`` says, else group where it takes ``group_ids``, else sample.
    """


class RewardWorkers(Section):
    """The processes that rewards run in."""

    nodes: Literal["every", "driver"] = "every"
    """Where they run: on every node of the cluster that has CPUs, or only where the run's own process is."""
    workers: Annotated[int, Field(gt=0, le=1024)] | None = None
    """On each node. None: one for each core, at most 8."""
    timeout_s: PositiveFloat = 60.0
    """Time limit of one call. A call may be about several responses; one that overstays is repeated for each alone."""
    import_timeout_s: PositiveFloat = 120.0
    """Time limit for a reward to be imported, and made where it is a class; once in each worker."""
    memory_gib: Annotated[float, Field(ge=0.125, le=2**20)] = 4.0
    """Memory of one worker with all processes that its rewards start."""
    concurrency: Positive = 64
    """Calls of an async reward that are under way at one time."""
    writable: list[Name] = Field(default_factory=list)
    """Existing folders that rewards may write to, besides a scratch folder and the user's cache; absolute or from ~."""
