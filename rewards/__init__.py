"""What a response is worth: the contract of a reward, how rewards are found, called and added up."""

from rewards.call import RewardReport, score_groups
from rewards.contract import Reward, RewardResult, RewardValue, TrainerState
from rewards.resolver import RewardError, known_rewards, resolve, resolve_all

__all__ = [
    "Reward",
    "RewardError",
    "RewardReport",
    "RewardResult",
    "RewardValue",
    "TrainerState",
    "known_rewards",
    "resolve",
    "resolve_all",
    "score_groups",
]
