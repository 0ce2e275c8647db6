"""Rewards in processes of their own: nothing that a reward does can hurt the run."""

from rewards.isolation.pool import IsolatedReward, RewardPool
from rewards.isolation.process import RewardWorkerError

__all__ = ["IsolatedReward", "RewardPool", "RewardWorkerError"]
