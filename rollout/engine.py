"""One vLLM engine in this process: samples responses with their log-probs, scores tokens, takes new weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpo.recipe.runtime import Engine
from lpo.samples import Response
from rollout.attest import WeightPushError
from rollout.process import prepare_process
from rollout.requests import SampleRequest, ScoredSequence, response_seed
from rollout.transfer.update import Fetch, WeightUpdate, checkpoint_shapes, tensors_by_chunk, verify

if TYPE_CHECKING:
    from rollout.transfer.nccl import NcclUpdate, Rendezvous


class RolloutEngine:
    """An in-process vLLM engine on ``model_path``, warm when the constructor returns.

    Args:
        model_path: folder of a Hugging Face model with tokenizer and safetensors.
        settings: the recipe's engine section.
        device: ``cpu`` or ``cuda``.
        max_model_len: longest prompt plus response, in tokens.
        trust_remote_code: run the Python files in the folder.
        version: weight version of what is in the folder.
    """

    def __init__(
        self,
        model_path: str | Path,
        settings: Engine,
        device: str,
        *,
        max_model_len: int,
        trust_remote_code: bool = False,
        version: int = 0,
    ) -> None:
        prepare_process(settings, device)
        self._settings = settings
        self._expected = checkpoint_shapes(model_path)
        self._backend = transfer_backend(settings, device)
        self._llm = _load(str(model_path), settings, device, self._backend, max_model_len, trust_remote_code)
        self._engine = self._llm.llm_engine
        self._tokenizer = self._llm.get_tokenizer()
        self._max_model_len = self._llm.model_config.max_model_len
        self._ids = itertools.count()
        if self._backend != "nccl":
            self._llm.init_weight_transfer_engine({"init_info": {"prepacked": settings.prepack}})
        self.commit(version)
        self._warm_up()

    @property
    def version(self) -> int:
        """Version of the weights that were attested last."""
        return int(self._llm.get_weight_version())

    def generate(self, requests: Sequence[SampleRequest]) -> list[list[Response]]:
        """Sample every request; results in the order of ``requests``, one list of ``samples`` responses each.

        ``logprobs`` are of the distribution that was sampled: log-softmax of logits / temperature (temperature 0: of
        the logits). ``token_ids`` end with the end token where ``finish_reason`` is ``"stop"``.

        Raises:
            ValueError: a prompt fills the context.
        """
        responses = {(row, column): response for row, column, response in self.stream(requests)}
        return [[responses[row, column] for column in range(request.samples)] for row, request in enumerate(requests)]

    def stream(self, requests: Sequence[SampleRequest]) -> Iterator[tuple[int, int, Response]]:
        """As ``generate``, each response as it is finished, with the index of its request and its own within it."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        for request in requests:
            if len(request.token_ids) >= self._max_model_len:
                raise ValueError(
                    f"a prompt of {len(request.token_ids)} tokens leaves no room for a response; "
                    f"the engine's context is {self._max_model_len} tokens"
                )
        places: dict[str, tuple[int, int, int | None]] = {}
        for row, request in enumerate(requests):
            token_ids = list(request.token_ids)
            for column in range(request.samples):
                seed = None if request.seed is None else response_seed(request.seed, request.first_index + column)
                parameters = SamplingParams(
                    n=1,
                    temperature=request.temperature,
                    top_p=1.0,
                    top_k=0,
                    max_tokens=request.max_tokens,
                    seed=seed,
                    logprobs=0,
                    flat_logprobs=True,
                    # vLLM detokenises token by token, and every log-prob's token besides; once at the end is cheaper.
                    detokenize=False,
                    output_kind=RequestOutputKind.FINAL_ONLY,
                    skip_clone=True,
                )
                places[self._add(token_ids, parameters)] = row, column, seed
        for output in self._outputs():
            row, column, seed = places.pop(output.request_id)
            yield row, column, self._response(output.outputs[0], seed)

    def score(self, sequences: Sequence[ScoredSequence]) -> list[list[float]]:
        """Log-probs of the response tokens of each (prompt, response) under the live weights, at temperature 1.

        Computed afresh: prompt log-probs never come from a cached prefix.

        Raises:
            ValueError: a sequence is longer than the engine's context, or its prompt or response is empty.
        """
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        parameters = SamplingParams(
            max_tokens=1,
            temperature=0.0,
            prompt_logprobs=0,
            flat_logprobs=True,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
            skip_reading_prefix_cache=True,
        )
        places = {}
        for row, (prompt, response) in enumerate(sequences):
            token_ids = [*prompt, *response]
            if not prompt or not response:
                raise ValueError(
                    f"sequence {row} has {len(prompt)} prompt and {len(response)} response tokens; "
                    "both need at least one"
                )
            if len(token_ids) >= self._max_model_len:
                raise ValueError(
                    f"sequence {row} has {len(token_ids)} tokens; at most {self._max_model_len - 1} can be scored"
                )
            places[self._add(token_ids, parameters)] = row
        results: list[list[float]] = [[] for _ in sequences]
        for output in self._outputs():
            row = places[output.request_id]
            # The first prompt token has no log-prob and no place in the flat list.
            results[row] = list(output.prompt_logprobs.logprobs[-len(sequences[row][1]) :])
        return results

    def load(self, update: WeightUpdate, fetch: Fetch) -> None:
        """Verify what arrived and load it. The version stays: ``commit`` follows when the log-probs were attested.

        Raises:
            WeightPushError: what arrived is not what was sent, or not the whole model (the engine is untouched then),
                or vLLM did not load every parameter (it is broken then).
        """
        verify(update, self._expected, fetch)
        self._load_chunks(update, fetch)
        self._forget_prefixes()

    def connect(self, rendezvous: Rendezvous, rank_offset: int) -> None:
        """Join the learner's NCCL group; this engine's GPUs become ranks ``rank_offset`` and up. Never run on a GPU."""
        info = {**asdict(rendezvous), "rank_offset": rank_offset, "packed": True}
        self._llm.init_weight_transfer_engine({"init_info": info})

    def receive(self, update: NcclUpdate) -> None:
        """Load weights from the learner's NCCL broadcast, without committing them. Never run on a GPU."""
        self._llm.start_weight_update()
        self._llm.update_weights({"update_info": update.as_vllm()})
        self._llm.finish_weight_update()
        self._forget_prefixes()

    def commit(self, version: int) -> None:
        """Declare the loaded weights to be ``version``; responses carry it from now on."""
        self._llm.update_weight_version(str(version))

    def shutdown(self) -> None:
        """Free the engine. The process can end afterwards."""
        self._engine.engine_core.shutdown()

    def _load_chunks(self, update: WeightUpdate, fetch: Fetch) -> None:
        self._llm.start_weight_update()
        for tensors in tensors_by_chunk(update, fetch):
            self._llm.update_weights({"update_info": {"tensors": tensors}})
        self._llm.finish_weight_update()

    def _forget_prefixes(self) -> None:
        if not self._llm.reset_prefix_cache():
            raise WeightPushError(
                "the prefix cache could not be reset after the push: requests still run on the old weights"
            )

    def _add(self, token_ids: list[int], parameters: Any) -> str:
        from vllm.inputs import tokens_input

        key = str(next(self._ids))
        self._engine.add_request(key, tokens_input(token_ids), parameters)
        return key

    def _outputs(self) -> Iterator[Any]:
        while self._engine.has_unfinished_requests():
            yield from self._engine.step()

    def _response(self, completion: Any, seed: int | None) -> Response:
        token_ids = list(completion.token_ids)
        return Response(
            token_ids=token_ids,
            logprobs=list(completion.logprobs.logprobs),
            text=self._tokenizer.decode(token_ids, skip_special_tokens=True),
            finish_reason=completion.finish_reason,
            weight_version=int(completion.weight_versions[0].version),
            seed=seed,
        )

    def _warm_up(self) -> None:
        # Dynamo compiles the log-prob gather in the first batch, which takes 5-20 s.
        self.generate(
            [
                SampleRequest([1, 2], samples=2, max_tokens=2, seed=0),
                SampleRequest([1, 2], max_tokens=2, temperature=0.0),
            ]
        )
        self.score([([1, 2], [1])])
        self._llm.reset_prefix_cache()


def transfer_backend(settings: Engine, device: str) -> str:
    """vLLM's name of the weight-transfer backend.

    Raises:
        ValueError: the settings cannot work together.
    """
    if device == "cpu" and settings.transfer == "nccl":
        raise ValueError("engine.transfer is 'nccl', which needs GPUs, but the device is cpu; use 'auto' or 'cpu'")
    if device == "cpu" and settings.tensor_parallel > 1:
        raise ValueError(
            f"engine.tensor_parallel is {settings.tensor_parallel}; on CPUs use engine.workers for more engines instead"
        )
    if device == "cpu" and settings.block_size % 32:
        raise ValueError(f"engine.block_size is {settings.block_size}; vLLM's CPU attention needs a multiple of 32")
    if settings.transfer == "nccl" or (settings.transfer == "auto" and device == "cuda"):
        return "nccl"
    if settings.tensor_parallel > 1:
        raise ValueError(
            "engine.transfer is 'cpu', which reaches one GPU only; with engine.tensor_parallel above 1 use 'nccl'"
        )
    return "lpo_cpu"


def _load(
    model_path: str, settings: Engine, device: str, backend: str, max_model_len: int, trust_remote_code: bool
) -> Any:
    from vllm import LLM
    from vllm.config import WeightTransferConfig

    if backend != "nccl":
        from rollout.transfer import cpu

        cpu.register()
    options: dict[str, Any] = {}
    if device == "cpu":
        options["kv_cache_memory_bytes"] = int(settings.kv_cache_gib * 2**30)
        # A prompt that is prefilled in pieces rewinds the generator of a seeded request, which CPU generators refuse.
        options["enable_chunked_prefill"] = False
        options["max_num_batched_tokens"] = max(4096, max_model_len, settings.max_concurrency)
        if not settings.prepack:
            from vllm import _custom_ops

            _custom_ops._supports_onednn = False
    else:
        options["gpu_memory_utilization"] = settings.gpu_memory_utilization
        options["tensor_parallel_size"] = settings.tensor_parallel
        if settings.tensor_parallel > 1:
            # Of processes: Ray gives the actor its GPUs, and the children of the actor inherit them.
            options["distributed_executor_backend"] = "mp"
    return LLM(
        model=model_path,
        dtype=settings.dtype,
        max_model_len=max_model_len,
        trust_remote_code=trust_remote_code,
        max_num_seqs=settings.max_concurrency,
        block_size=settings.block_size,
        enforce_eager=device == "cpu" if settings.enforce_eager is None else settings.enforce_eager,
        enable_prefix_caching=True,
        logprobs_mode="processed_logprobs",
        seed=0,
        weight_transfer_config=WeightTransferConfig(backend=backend),
        **options,
    )
