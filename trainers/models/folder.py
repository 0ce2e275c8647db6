"""What a Hugging Face model folder holds, read from its headers without loading a weight."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lpo.errors import InputError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
# Any one of these sets of files makes a tokenizer.
TOKENIZER_FILES = (("tokenizer.json",), ("tokenizer.model",), ("vocab.json", "merges.txt"))


class ModelError(InputError):
    """The model section of a recipe cannot be satisfied. The message names the folder or package and the remedy."""


@dataclass(frozen=True)
class ModelFacts:
    """What validation and sizing need to know about a model.

    ``parameters`` counts each stored weight once, tied embeddings once. ``max_length`` is in tokens, None where the
    configuration sets no limit. ``dtype`` is the commonest of the stored weights, in torch's names.
    """

    architecture: str
    parameters: int
    max_length: int | None
    vocabulary: int
    hidden_size: int
    layers: int
    tied: bool
    dtype: str
    has_chat_template: bool


def inspect_model(path: Path) -> ModelFacts:
    """Reads the facts of a model folder. Raises ModelError where it has no config, no tokenizer or incomplete "
    "weights."""
    if path.is_file():
        raise ModelError(f"model {path} is a file; name the folder that holds {CONFIG}, safetensors and a tokenizer")
    if not path.is_dir():
        raise ModelError(
            f"model folder {path} does not exist; give a folder with {CONFIG}, safetensors and a tokenizer"
        )
    config = _read_json(path / CONFIG, "save the model with save_pretrained")
    if not any(all((path / name).is_file() for name in names) for names in TOKENIZER_FILES):
        raise ModelError(
            f"model folder {path} has no tokenizer (tokenizer.json, tokenizer.model, or vocab.json with merges.txt); "
            "save the model's tokenizer there with save_pretrained"
        )
    inner = config.get("text_config")
    text = {**config, **(inner if isinstance(inner, dict) else {})}
    for key in ("vocab_size", "hidden_size", "num_hidden_layers"):
        if not isinstance(text.get(key), int):
            raise ModelError(
                f"{path / CONFIG} has no integer '{key}'; it is not the configuration of a causal language model"
            )
    tied = bool(text.get("tie_word_embeddings", True))
    tensors = _stored_tensors(path)
    _check_shapes(path, text, tensors)
    if tied:
        tensors.pop("lm_head.weight", None)
    sizes: Counter[str] = Counter()
    for dtype, shape in tensors.values():
        sizes[_DTYPES.get(dtype, dtype)] += math.prod(shape)
    return ModelFacts(
        architecture=(config.get("architectures") or [config.get("model_type", "unknown")])[0],
        parameters=sum(sizes.values()),
        max_length=text.get("max_position_embeddings"),
        vocabulary=text["vocab_size"],
        hidden_size=text["hidden_size"],
        layers=text["num_hidden_layers"],
        tied=tied,
        dtype=sizes.most_common(1)[0][0],
        has_chat_template=_has_chat_template(path),
    )


_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn"}


def _has_chat_template(path: Path) -> bool:
    if (path / "chat_template.jinja").is_file() or (path / "chat_template.json").is_file():
        return True
    settings = path / "tokenizer_config.json"
    return settings.is_file() and bool(_read_json(settings, "repair the file").get("chat_template"))


def _stored_tensors(path: Path) -> dict[str, tuple[str, list[int]]]:
    """Every stored tensor's dtype and shape, by name."""
    if (path / WEIGHTS_INDEX).is_file():
        index = _read_json(path / WEIGHTS_INDEX, "download the folder again")
        files = sorted(set(index.get("weight_map", {}).values()))
    else:
        files = sorted(file.name for file in path.glob("*.safetensors"))
    missing = [name for name in files if not (path / name).is_file()]
    if missing:
        raise ModelError(f"model folder {path} lacks {missing[0]}, which its {WEIGHTS_INDEX} names; download it again")
    if not files:
        other = next((file.name for pattern in ("*.bin", "*.gguf", "*.pt") for file in path.glob(pattern)), None)
        found = f" (it has {other}; load it and save it with save_pretrained)" if other else ""
        raise ModelError(f"model folder {path} has no safetensors weights{found}")
    tensors: dict[str, tuple[str, list[int]]] = {}
    for name in files:
        tensors.update(_header(path / name))
    if not tensors:
        raise ModelError(f"model folder {path}: {files[0]} holds no tensors; download it again")
    return tensors


_EMBEDDING = re.compile(r"(?:^|\.)(?:embed_tokens|wte|word_embeddings|tok_embeddings)\.weight$")
_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d+)\.")


def _check_shapes(path: Path, text: dict[str, Any], tensors: dict[str, tuple[str, list[int]]]) -> None:
    """Refuses a configuration that the stored embedding or the number of stored layers contradicts."""
    embedding = next((shape for name, (_, shape) in tensors.items() if _EMBEDDING.search(name)), None)
    stated = [text["vocab_size"], text["hidden_size"]]
    if embedding is not None and len(embedding) == 2 and embedding != stated:
        raise ModelError(
            f"{path / CONFIG} states vocab_size {stated[0]} and hidden_size {stated[1]}, and the stored embedding is "
            f"{embedding}; they belong to different models: save both again with save_pretrained"
        )
    layers = {int(found[1]) for name in tensors if (found := _LAYER.search(name))}
    if layers and len(layers) < text["num_hidden_layers"]:
        raise ModelError(
            f"{path / CONFIG} states num_hidden_layers {text['num_hidden_layers']}, and the weights hold "
            f"{len(layers)}; download the folder again, or save it with save_pretrained"
        )


def _header(file: Path) -> dict[str, tuple[str, list[int]]]:
    # The format: eight bytes with the header's length, a JSON header, then the data at the offsets that it states.
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        size = file.stat().st_size
        if not 2 <= length <= size - 8:
            raise ModelError(f"{file} is not a safetensors file (a Git LFS pointer, or cut short); download it again")
        try:
            entries = json.loads(stream.read(length))
        except ValueError as cause:
            raise ModelError(f"{file} is not a safetensors file (its header is not JSON); download it again") from cause
    try:
        entries.pop("__metadata__", None)
        end = 8 + length + max((entry["data_offsets"][1] for entry in entries.values()), default=0)
        tensors = {name: (entry["dtype"], entry["shape"]) for name, entry in entries.items()}
    except (AttributeError, TypeError, KeyError, IndexError) as cause:
        raise ModelError(
            f"{file} is not a safetensors file (its header lists no tensors); download it again"
        ) from cause
    if end != size:
        raise ModelError(f"{file} has {size} bytes, its header states {end}; it was cut short: download it again")
    return tensors


def _read_json(file: Path, remedy: str) -> dict[str, Any]:
    if not file.is_file():
        raise ModelError(f"model folder {file.parent} has no {file.name}; {remedy}")
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as cause:
        raise ModelError(f"{file} is not JSON ({cause}); {remedy}") from cause
    if not isinstance(value, dict):
        raise ModelError(f"{file} holds a JSON {type(value).__name__}, not an object; {remedy}")
    return value
