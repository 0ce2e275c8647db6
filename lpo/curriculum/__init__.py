"""Evo-CoT: short reasoning that stays right. Its composite reward, and the curriculum that decides what it weighs."""

from lpo.curriculum.evo_cot import EvoCotState, GroupOutcome
from lpo.curriculum.pass_rates import PassRates
from lpo.curriculum.reward import CompositeReward, composite_rewards, length_reward

__all__ = ["CompositeReward", "EvoCotState", "GroupOutcome", "PassRates", "composite_rewards", "length_reward"]
