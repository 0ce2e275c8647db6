"""Makes the folder that engine and learner load."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from lpo.recipe.model import HubModel, LocalModel, PackageModel, ScratchModel
from lpo.user_cache import user_cache
from trainers.models.folder import ModelError, inspect_model


def cache_root() -> Path:
    """Where converted and scratch models are kept: ``$LPO_CACHE``, else lpo/ under ``$XDG_CACHE_HOME`` or ~/.cache."""
    if chosen := os.environ.get("LPO_CACHE"):
        return Path(chosen).expanduser()
    return user_cache() / "lpo"


def prepare_model(
    model: LocalModel | HubModel | PackageModel | ScratchModel,
    *,
    cache_dir: Path | None = None,
    tokenizer_corpus: Callable[[], Iterable[str]] | None = None,
    seed: int = 0,
    base_dir: Path | None = None,
) -> Path:
    """Returns an ordinary Hugging Face folder: config, safetensors, tokenizer, generation config.

    Local and hub models are used where they lie, as shipped. Package models are converted to float32 once, and scratch
    models made once, under ``cache_dir`` (`cache_root` by default); the work is done beside the final place and
    renamed, so a folder is there whole or not at all. ``tokenizer_corpus`` yields the texts that a scratch model's
    tokenizer is trained on: prompts and worked responses. ``seed`` draws a scratch model's weights.

    Raises ModelError where the model cannot be had; the message names what is missing.
    """
    cache = cache_dir or cache_root()
    if isinstance(model, LocalModel):
        folder = (base_dir or Path.cwd()) / Path(model.path).expanduser()
    elif isinstance(model, HubModel):
        folder = _download(model)
    elif isinstance(model, PackageModel):
        from trainers.models.packaged import cache_name, convert_gguf, find_gguf

        gguf = find_gguf(model)
        folder = build_once(cache / "models" / cache_name(model), lambda work: convert_gguf(gguf, work))
    else:
        from trainers.models.scratch import scratch_name, write_scratch

        if tokenizer_corpus is None:
            raise ModelError("model.kind scratch needs texts to train its tokenizer on; none were given")
        texts = list(tokenizer_corpus())
        folder = build_once(
            cache / "models" / scratch_name(model, texts, seed), lambda work: write_scratch(model, texts, seed, work)
        )
    inspect_model(folder)
    return folder


def build_once(target: Path, build: Callable[[Path], None]) -> Path:
    """Returns ``target``, a folder, made by ``build`` if it is not there yet.

    ``build`` gets an empty folder beside the target, which is renamed when it is done and removed when it fails.
    Processes that want the same target at the same time wait for the first.
    """
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return target
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            build(work)
            work.chmod(0o755)
            work.rename(target)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
    return target


def _download(model: HubModel) -> Path:
    from huggingface_hub import snapshot_download

    code = ["*.py"] if model.trust_remote_code else []
    wanted = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", *code]
    try:
        return Path(snapshot_download(model.id, revision=model.revision, allow_patterns=wanted))
    except Exception as cause:
        # The hub's client raises its own, the network's and the file system's errors; each means: no model.
        revision = f" at revision {model.revision}" if model.revision else ""
        raise ModelError(
            f"model.id {model.id}{revision} cannot be had from the hub ({type(cause).__name__}: {_first_line(cause)}); "
            "check the id, its licence and the network, or download it elsewhere and use model.kind: local"
        ) from cause


def _first_line(cause: Exception) -> str:
    return str(cause).strip().partition("\n")[0]
