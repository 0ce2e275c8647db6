"""Prompts: read from a source, split into disjoint train and held-out sets, rendered, dealt in a repeatable order."""

from trainers.data.dataset import PromptDataset, build_dataset
from trainers.data.order import MixedOrder, PromptOrder
from trainers.data.rows import DataError, Row
from trainers.data.sources import load_rows
from trainers.data.worked import WorkedSet, worked_sets

__all__ = [
    "DataError",
    "MixedOrder",
    "PromptDataset",
    "PromptOrder",
    "Row",
    "WorkedSet",
    "build_dataset",
    "load_rows",
    "worked_sets",
]
