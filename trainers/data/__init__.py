"""Prompts: read from a source, split into disjoint train and held-out sets, rendered, and dealt in a repeatable "
"order."""

from trainers.data.dataset import PromptDataset, build_dataset
from trainers.data.order import PromptOrder
from trainers.data.rows import DataError, Row
from trainers.data.sources import load_rows
from trainers.data.worked import worked_responses

__all__ = ["DataError", "PromptDataset", "PromptOrder", "Row", "build_dataset", "load_rows", "worked_responses"]
