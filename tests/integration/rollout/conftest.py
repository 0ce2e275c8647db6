"""Tiny models and fleets that all tests of this folder share: an engine costs seconds to start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import ray
import torch

from lpo.recipe.runtime import Engine
from rollout.fleet import Fleet
from rollout.worker import RolloutWorker

MAX_MODEL_LEN = 256
FAULTS = {"nothing loads", "tied layer not repacked", "one tensor dropped while loading"}


class FaultyWorker(RolloutWorker):
    """A worker whose engine can be made to lose weights without an error, as real ones do."""

    def break_engine(self, fault: str) -> None:
        from rollout.transfer import cpu

        assert fault in FAULTS
        engine, load_chunks, repack = self._engine, self._engine._load_chunks, cpu.repack_tied_layers

        def faulty(update: Any, fetch: Any) -> None:
            engine._load_chunks = load_chunks
            if fault == "nothing loads":
                return
            if fault == "one tensor dropped while loading":
                kept = tuple(entry for entry in update.entries if "layers.1.mlp.up_proj" not in entry.name)
                load_chunks(type(update)(kept, update.chunks), fetch)
                return
            cpu.repack_tied_layers = lambda model: None
            load_chunks(update, fetch)
            cpu.repack_tied_layers = repack

        engine._load_chunks = faulty


@dataclass
class TinyModel:
    """A model in a folder, and the transformers model that plays the learner."""

    path: Path
    learner: Any

    def change(self, seed: int) -> None:
        """A training step: every weight moves by a few percent."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in self.learner.parameters():
                parameter += 0.01 * torch.randn(parameter.shape, generator=generator)

    def logprobs(self, prompt: list[int], response: list[int], temperature: float = 1.0) -> list[float]:
        with torch.no_grad():
            logits = self.learner(torch.tensor([[*prompt, *response]])).logits[0, len(prompt) - 1 : -1]
        rows = (logits / temperature).log_softmax(-1)
        return rows.gather(1, torch.tensor(response)[:, None])[:, 0].tolist()


def byte_level_tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=280, special_tokens=["<end>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["What is 3 plus 4? Add 3 and 4. The sum is 7."] * 4, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<end>")


def tiny_model(folder: Path, kind: str, tied: bool) -> TinyModel:
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

    tokenizer = byte_level_tokenizer()
    tokenizer.save_pretrained(folder)
    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 32,
        "max_position_embeddings": 512,
        "tie_word_embeddings": tied,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
        "initializer_range": 0.1,
    }
    torch.manual_seed(0)
    learner = LlamaForCausalLM(LlamaConfig(**sizes)) if kind == "llama" else Qwen3ForCausalLM(Qwen3Config(**sizes))
    learner.float().eval().save_pretrained(folder)
    return TinyModel(folder, learner)


@pytest.fixture(scope="package")
def local_ray() -> Iterator[None]:
    # Ray runs workers at niceness 15: anything else on the machine would starve the engines.
    os.environ.setdefault("RAY_worker_niceness", "0")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=128 * 2**20)
    yield
    ray.shutdown()


@dataclass
class Fleets:
    """Tied and untied, prepacked and live, one worker and two."""

    pair: Fleet
    pair_model: TinyModel
    others: dict[str, tuple[Fleet, TinyModel]]


@pytest.fixture(scope="package")
def fleets(local_ray: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleets]:
    folder = tmp_path_factory.mktemp("models")
    models = {
        "tied llama, prepacked": tiny_model(folder / "a", "llama", tied=True),
        "untied qwen3, prepacked": tiny_model(folder / "b", "qwen3", tied=False),
        "tied qwen3, live": tiny_model(folder / "c", "qwen3", tied=True),
    }

    def start(name: str) -> Fleet:
        prepack, workers = "prepacked" in name, 2 if "llama" in name else 1
        settings = Engine(workers=workers, kv_cache_gib=0.125, prepack=prepack, max_concurrency=16)
        return Fleet.start(models[name].path, settings, "cpu", max_model_len=MAX_MODEL_LEN, worker_class=FaultyWorker)

    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        started = dict(zip(models, [stack.enter_context(fleet) for fleet in pool.map(start, models)], strict=True))
        pair = started.pop("tied llama, prepacked")
        others = {name: (fleet, models[name]) for name, fleet in started.items()}
        yield Fleets(pair, models["tied llama, prepacked"], others)
