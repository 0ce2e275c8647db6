"""A recipe that goes through all the real engines in seconds."""

from pathlib import Path

import pytest

RECIPE = """
name: small
seed: 3
model:
  {kind: scratch, hidden_size: 64, intermediate_size: 128, layers: 2, heads: 2, kv_heads: 2, max_length: 128,
   tokenizer: {vocab_size: 320}}
data:
  source: {kind: reasoning_gym, task: chain_sum, size: 2000, params: {min_terms: 2, max_terms: 3, min_digits: 1,
  max_digits: 1}}
  held_out: 64
  template: plain
  solutions: chain_sum
engine: {workers: 1, threads: 1, max_concurrency: 64, kv_cache_gib: 0.1, start_timeout_s: 300}
learner: {threads: 1, micro_batch_tokens: 512}
cluster: {object_store_gib: 0.1}
tracking: {mlflow: false}
checkpoints: {every: 2}
stages:
  - kind: dft
    steps: 8
    batch_size: 16
    optimizer: {learning_rate: 3.0e-3}
    max_response_tokens: 40
    evaluation: {items: 16, every: 4, greedy: true}
  - kind: rl
    steps: 6
    prompts_per_step: 4
    group_size: 4
    minibatches: 2
    max_response_tokens: 24
    temperature: 0.7
    algorithm: lpo
    kl: {coefficient: 0.01}
    rewards: [{reward: "spaces.py:share_of_spaces"}]
    optimizer: {learning_rate: 1.0e-3, schedule: linear}
    evaluation: {items: 16, every: 3, greedy: false}
"""

REWARD = '''
def share_of_spaces(responses, **columns):
    """A signal that any model has from the start."""
    return [text.count(" ") / (len(text) + 1) for text in responses]
'''


@pytest.fixture(scope="session")
def small_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipe")
    (folder / "spaces.py").write_text(REWARD)
    recipe = folder / "small.yaml"
    recipe.write_text(RECIPE)
    return recipe
