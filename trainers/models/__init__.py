"""The policy's starting weights as an ordinary Hugging Face folder, wherever they come from."""

from trainers.models.folder import ModelError, ModelFacts, inspect_model
from trainers.models.prepare import cache_root, prepare_model

__all__ = ["ModelError", "ModelFacts", "cache_root", "inspect_model", "prepare_model"]
