"""The process around a vLLM engine: environment variables that must be set before torch and vLLM are imported."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from lpo.recipe.runtime import Engine


class Process(NamedTuple):
    """Where an engine runs."""

    node: str
    """Ray's id of the node."""
    pid: int


def prepare_process(settings: Engine, device: str) -> None:
    """Set threads, telemetry and logging of this process for one engine.

    Call it before anything imports vLLM. Where torch is imported already, its threads are set directly.
    """
    os.environ.update(
        VLLM_NO_USAGE_STATS="1",
        VLLM_DO_NOT_TRACK="1",
        VLLM_LOGGING_LEVEL=os.environ.get("VLLM_LOGGING_LEVEL", "ERROR"),
        TOKENIZERS_PARALLELISM="false",
        # The actor is the engine's process already; a second one costs tens of seconds of start.
        VLLM_ENABLE_V1_MULTIPROCESSING="0",
    )
    if device == "cpu":
        os.environ.update(
            OMP_NUM_THREADS=str(settings.threads),
            # Binding picks cores by itself: two engines of one machine would share the same ones.
            VLLM_CPU_OMP_THREADS_BIND="nobind",
        )
        if settings.enforce_eager is not False:
            # vLLM compiles the counting of log-prob ranks even in eager mode: 5-20 s and a C++ compiler for numbers
            # nobody reads.
            os.environ["TORCH_COMPILE_DISABLE"] = "1"
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(settings.threads)
