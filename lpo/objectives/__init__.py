"""Policy objectives: a small file each over one grouped ratio."""

from lpo.objectives.aggregation import aggregation_weights, response_weights, weighted_sum
from lpo.objectives.loss import PolicyLoss, policy_loss
from lpo.objectives.outcome import ResponseOutcome, response_outcome
from lpo.objectives.statistics import LossStatistics

__all__ = [
    "LossStatistics",
    "PolicyLoss",
    "ResponseOutcome",
    "aggregation_weights",
    "policy_loss",
    "response_outcome",
    "response_weights",
    "weighted_sum",
]
