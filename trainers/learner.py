"""One rank of the policy learner: a Ray actor around a DeepSpeed engine.

A step is: micro-batches of this rank's samples, forward and backward each, then one optimiser step over all ranks. The
aggregation weights that the samples carry were computed over the whole batch, so the sum of all micro-batch losses of
all ranks is the loss, however the batch was split.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from lpo.logprobs import chunks_of
from lpo.recipe.runtime import Learner as LearnerSettings
from lpo.recipe.runtime import Optimizer
from rollout.transfer.nccl import NcclSender, Rendezvous
from rollout.transfer.update import ObjectStoreSender
from trainers.deepspeed_config import adamw_arguments, announce_zero3, deepspeed_clips, deepspeed_config
from trainers.learner_batch import LossSettings, StepStatistics
from trainers.packing import MicroBatch, TrainSample, pack
from trainers.policy_model import PolicyModel, load_causal_lm
from trainers.step_loss import micro_batch_loss


class LearnerRank:
    """Lives in its own process; ``rank`` and ``ranks`` are the data-parallel ones.

    ``step``, ``logprobs``, ``save`` and ``export`` are collective: every rank must be called.
    """

    def __init__(
        self,
        rank: int,
        ranks: int,
        settings: LearnerSettings,
        device: str,
        threads: int,
        trust_remote_code: bool = False,
    ) -> None:
        self.rank, self.ranks, self.settings = rank, ranks, settings
        self.trust_remote_code = trust_remote_code
        os.environ.update(RANK=str(rank), LOCAL_RANK="0", WORLD_SIZE=str(ranks), OMP_NUM_THREADS=str(threads))
        os.environ.setdefault("DS_ACCELERATOR", device)
        torch.set_num_threads(threads)
        self.device = torch.device(device)
        self.engine: Any = None
        self.reference: PolicyModel | None = None
        self._sender: Any = ObjectStoreSender() if device == "cpu" else None
        self._grad_norm: float | None = None

    def free_address(self) -> tuple[str, int]:
        """Host and a free port of this machine, for the ranks to meet at."""
        import ray

        with socket.socket() as probe:
            probe.bind(("", 0))
            return ray.util.get_node_ip_address(), probe.getsockname()[1]

    def join(self, host: str, port: int) -> None:
        """Meet the other ranks."""
        import deepspeed

        os.environ.update(MASTER_ADDR=host, MASTER_PORT=str(port))
        # Or DeepSpeed compiles a shared-memory all-reduce at the first start: a minute, and a compiler must be there.
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
        deepspeed.init_distributed("nccl" if self.device.type == "cuda" else "gloo", verbose=False)

    def load(self, model_path: str, optimizer: Optimizer, seed: int, *, reference: bool = False) -> dict[str, Any]:
        """Start (or restart) from the weights of a Hugging Face folder with a new optimiser."""
        import deepspeed

        torch.manual_seed(seed)
        self.engine = None
        config = deepspeed_config(self.settings, optimizer, self.device.type)
        partition_while_loading = announce_zero3(self.settings, config)
        policy = PolicyModel(
            self._read(model_path, gradient_checkpointing=self.settings.gradient_checkpointing),
            self.settings.attention,
            self.settings.logprob_chunk_tokens,
        ).to(self.device)
        client_optimizer = None
        if "optimizer" not in config:
            client_optimizer = torch.optim.AdamW(policy.parameters(), fused=True, **adamw_arguments(optimizer))
        self.engine, self._optimizer, *_ = deepspeed.initialize(
            model=policy, optimizer=client_optimizer, config=config, dist_init_required=False
        )
        if self.ranks == 1 and self.settings.zero_stage == 0:
            self.engine.enable_backward_allreduce = False  # there is nobody to average with: a twentieth of a step
        if not deepspeed_clips(self.settings):
            self._clip_in_front_of(client_optimizer, optimizer.max_grad_norm)
        self.reference = self._load_reference(model_path) if reference else None
        del partition_while_loading
        tied = policy.model.get_output_embeddings().weight is policy.model.get_input_embeddings().weight
        return {"parameters": sum(getattr(p, "ds_numel", p.numel()) for p in policy.parameters()), "tied": tied}

    def step(self, samples: list[TrainSample], loss: LossSettings, learning_rate: float) -> StepStatistics:
        """One optimiser step on this rank's samples of the batch."""
        started = time.perf_counter()
        self.engine.train()
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        statistics = StepStatistics()
        for batch in self._micro_batches(samples):
            logp, entropy = self.engine(batch, loss.temperature)
            # DeepSpeed averages gradients over the ranks; the global weights call for their sum.
            self.engine.backward(micro_batch_loss(batch, logp, entropy, loss, statistics) * self.ranks)
        self.engine.step()
        statistics.grad_norm = self._global_grad_norm()
        statistics.seconds = time.perf_counter() - started
        return statistics.on_host()

    @torch.no_grad()
    def logprobs(self, samples: list[TrainSample], temperature: float, *, reference: bool = False) -> list[list[float]]:
        """Log-probs of every sample's response tokens under softmax(logits / temperature), by the policy or the
        reference.
        """
        model = self.reference if reference else self.engine
        assert model is not None
        out: list[list[float]] = [[] for _ in samples]
        for batch in self._micro_batches(samples):
            logp, _ = model(batch, temperature, with_entropy=False)
            rows = batch.scatter(logp).tolist()
            for index, sample, row in zip(batch.indices, batch.samples, rows, strict=True):
                out[index] = row[: len(sample.response_ids)]
        return out

    def _micro_batches(self, samples: list[TrainSample]) -> Iterator[MicroBatch]:
        """This rank's micro-batches, as many as the busiest rank has: collectives inside a pass must meet their
        partners.
        """
        batches = pack(samples, self.settings.micro_batch_tokens, self.settings.share_prompts) or [_idle_batch()]
        if self.ranks > 1:
            most = torch.tensor(len(batches), device=self.device)
            dist.all_reduce(most, dist.ReduceOp.MAX)
            batches.extend(_idle_batch() for _ in range(int(most) - len(batches)))
            if self.settings.zero_stage == 3:
                self._agree_on_chunks(batches)
        for batch in batches:
            yield batch.to(self.device)

    def _agree_on_chunks(self, batches: list[MicroBatch]) -> None:
        """ZeRO-3 gathers the output layer in every call of it: each rank must make as many as the others."""
        needed = [chunks_of(len(batch.targets), self.settings.logprob_chunk_tokens) for batch in batches]
        chunks = torch.tensor(needed, device=self.device)
        dist.all_reduce(chunks, dist.ReduceOp.MAX)
        for batch, most in zip(batches, chunks.tolist(), strict=True):
            batch.head_chunks = most

    def named_weights(self) -> Iterator[tuple[str, Tensor]]:
        """Hugging Face names and live weights, each whole on rank 0; a tied output layer is left out. Collective."""
        import deepspeed

        seen: set[int] = set()
        for name, parameter in self.engine.module.model.named_parameters():
            if id(parameter) in seen:
                continue
            seen.add(id(parameter))
            if self.settings.zero_stage == 3:
                with deepspeed.zero.GatheredParameters([parameter]):
                    yield name, parameter.detach().clone()
            else:
                yield name, parameter.detach()

    def connect_engines(self, rendezvous: Rendezvous) -> None:
        """GPUs: rank 0 joins the engines' NCCL group; ``Fleet.connect`` must run at the same time. Never run without
        GPUs.
        """
        if self.rank == 0:
            dtype = self.settings.dtype
            shapes = [
                (name, tuple(getattr(parameter, "ds_shape", parameter.shape)), dtype)
                for name, parameter in self.engine.module.model.named_parameters()
            ]
            self._sender = NcclSender(rendezvous, shapes)
            self._sender.connect()

    def finish_push(self) -> None:
        """GPUs: wait until the broadcast that ``push`` began has left."""
        if self.rank == 0 and isinstance(self._sender, NcclSender):
            self._sender.wait()

    def push(self) -> Any:
        """Send the live weights to the engines; rank 0 returns the update that the fleet must take. Collective."""
        if self.rank == 0:
            return self._sender.send(self.named_weights())
        for _ in self.named_weights():
            pass
        return None

    def save(self, folder: str) -> None:
        """Weights, optimiser and random states into ``folder``, in DeepSpeed's layout."""
        state = {"torch_rng": torch.get_rng_state()}
        self.engine.save_checkpoint(folder, tag="state", client_state=state, save_latest=False)

    def restore(self, folder: str) -> None:
        """What ``save`` wrote."""
        path, state = self.engine.load_checkpoint(folder, tag="state")
        if path is None:
            raise RuntimeError(f"checkpoint {folder}: DeepSpeed found nothing to load")
        torch.set_rng_state(state["torch_rng"])

    def export(self, folder: str) -> None:
        """An ordinary Hugging Face model folder (weights and config; the tokenizer is the driver's)."""
        weights = {name: tensor.cpu() for name, tensor in self.named_weights()}
        if self.rank == 0:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.engine.module.model.save_pretrained(folder, state_dict=weights)

    def _clip_in_front_of(self, optimizer: Any, max_norm: float | None) -> None:
        """DeepSpeed neither reports nor returns the norm of plain float32 gradients: clip just before the optimiser."""

        def clip(_optimizer: Any, _args: Any, _kwargs: Any) -> None:
            norm = torch.nn.utils.clip_grad_norm_(self.engine.module.parameters(), max_norm or float("inf"))
            self._grad_norm = norm.item()

        optimizer.register_step_pre_hook(clip)

    def _global_grad_norm(self) -> float:
        norm = self.engine.get_global_grad_norm() if deepspeed_clips(self.settings) else self._grad_norm
        return float(norm) if norm is not None else float("nan")

    def _read(self, model_path: str, *, gradient_checkpointing: bool = False) -> Any:
        return load_causal_lm(
            model_path,
            self.settings.dtype,
            self.settings.attention,
            gradient_checkpointing=gradient_checkpointing,
            trust_remote_code=self.trust_remote_code,
        )

    def _load_reference(self, model_path: str) -> PolicyModel:
        policy = PolicyModel(self._read(model_path), self.settings.attention, self.settings.logprob_chunk_tokens)
        if self.settings.zero_stage == 3:
            import deepspeed

            config = {"zero_optimization": {"stage": 3}, "train_micro_batch_size_per_gpu": 1}
            return deepspeed.initialize(model=policy.eval(), config=config, dist_init_required=False)[0]
        return policy.eval().requires_grad_(False).to(self.device)


def _idle_batch() -> MicroBatch:
    """A micro-batch that weighs nothing, for a rank that has run out of samples."""
    return pack([TrainSample(group=-1, prompt_ids=[0], response_ids=[0])], budget=2)[0]
