"""A small Llama with random weights and a tokenizer trained on the recipe's own texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lpo.recipe.model import ScratchModel
from trainers.models.folder import ModelError

PAD, BOS, EOS = "<pad>", "<bos>", "<eos>"
_VOCABULARY_MULTIPLE = 64
_FORMAT = 1


def scratch_name(model: ScratchModel, texts: Sequence[str], seed: int) -> str:
    """Names the folder by everything that decides its contents."""
    digest = hashlib.sha256(f"{_FORMAT}:{seed}:{model.model_dump_json()}".encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return f"scratch-{digest.hexdigest()[:16]}"


def write_scratch(model: ScratchModel, texts: Sequence[str], seed: int, folder: Path) -> None:
    """Writes config, float32 safetensors, tokenizer and generation config. The same arguments make the same files.

    Raises ModelError where there is no text to train the tokenizer on.
    """
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    tokenizer = train_tokenizer(texts, model.tokenizer.vocab_size, model.max_length)
    special = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=model.hidden_size,
        intermediate_size=model.intermediate_size,
        num_hidden_layers=model.layers,
        num_attention_heads=model.heads,
        num_key_value_heads=model.kv_heads,
        max_position_embeddings=model.max_length,
        tie_word_embeddings=model.tie_embeddings,
        initializer_range=model.initializer_range,
        dtype=torch.float32,
        **special,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = LlamaForCausalLM(config).float()
    policy.generation_config = GenerationConfig(**special)
    policy.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def train_tokenizer(texts: Sequence[str], vocab_size: int, max_length: int) -> Any:
    """A byte-level BPE of at most ``vocab_size`` tokens, every digit a token of its own.

    The size is rounded up to a multiple of 64 with reserved special tokens, so that every id a model of that vocabulary
    can sample is one the tokenizer knows. Returns a PreTrainedTokenizerFast.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    if not any(text.strip() for text in texts):
        raise ModelError("model.kind scratch has no text to train its tokenizer on; the recipe's data is empty")
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    reserved = -backend.get_vocab_size() % _VOCABULARY_MULTIPLE
    backend.add_special_tokens([f"<reserved_{index}>" for index in range(reserved)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        model_max_length=max_length,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
