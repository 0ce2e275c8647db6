"""A model whose folder brings Python of its own: refused without the recipe's word, trained and sampled with it."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from lpo.recipe import load_recipe
from lpo.recipe.model import ScratchModel, ScratchTokenizer
from trainers.launch import train
from trainers.models import ModelError, prepare_model
from trainers.prepare import prepare

CONFIGURATION = """
from transformers import LlamaConfig

class OddConfig(LlamaConfig):
    model_type = "lpo_odd"
"""
MODELLING = """
from transformers import LlamaForCausalLM
from .configuration_odd import OddConfig

class OddForCausalLM(LlamaForCausalLM):
    config_class = OddConfig
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scratch = ScratchModel(
        kind="scratch", hidden_size=64, intermediate_size=128, layers=2, heads=2, kv_heads=2, max_length=128,
        tokenizer=ScratchTokenizer(vocab_size=320),
    )  # fmt: skip
    made = prepare_model(scratch, cache_dir=tmp_path, tokenizer_corpus=lambda: ["What is 1 + 2 + 3 ? The answer is 6."])
    config = json.loads((made / "config.json").read_text())
    config |= {
        "model_type": "lpo_odd",
        "auto_map": {
            "AutoConfig": "configuration_odd.OddConfig",
            "AutoModelForCausalLM": "modelling_odd.OddForCausalLM",
        },
    }
    (made / "config.json").write_text(json.dumps(config))
    (made / "configuration_odd.py").write_text(CONFIGURATION)
    (made / "modelling_odd.py").write_text(MODELLING)
    return made


def overrides(folder: Path, trusted: bool) -> list[str]:
    model = f"model={{kind: local, path: {folder}, trust_remote_code: {str(trusted).lower()}}}"
    return [
        model,
        "stages.dft.steps=1",
        "stages.rl.steps=1",
        "stages.dft.evaluation.items=4",
        "stages.rl.evaluation.items=4",
        "stages.dft.max_response_tokens=60",
    ]


def test_it_is_refused_without_the_recipes_word(small_recipe: Path, folder: Path):
    with pytest.raises(ModelError, match="trust_remote_code"):
        prepare(load_recipe(str(small_recipe), overrides(folder, trusted=False)))


@pytest.mark.slow
def test_it_trains_and_its_code_is_exported(small_recipe: Path, folder: Path, tmp_path: Path):
    loaded = load_recipe(str(small_recipe), [*overrides(folder, trusted=True), f"run_dir={tmp_path / 'run'}"])
    outcome = train(loaded, plain=True)
    assert outcome.model is not None
    assert (outcome.model / "modelling_odd.py").read_text() == MODELLING
    before, after = load_file(folder / "model.safetensors"), load_file(outcome.model / "model.safetensors")
    assert any((before[name] != after[name]).any() for name in before)
    last = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["mismatch/logp_mean_abs"] < 1e-5
