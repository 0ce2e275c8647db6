"""The policy as the learner runs it: a packed micro-batch in, log-probs of its response tokens out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lpo.logprobs import token_logprobs
from trainers.packing import MicroBatch, visible

TORCH_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class PolicyModel(nn.Module):
    """A causal language model that computes its output layer on response tokens only.

    ``forward`` returns (N,) log-probs and (N,) entropies, both float32, of the response tokens of a micro-batch under
    softmax(logits / temperature).
    """

    def __init__(self, model: Any, attention: str, chunk_tokens: int) -> None:
        super().__init__()
        self.model = model
        self.attention = attention
        self.chunk_tokens = chunk_tokens
        config = model.config.get_text_config()
        self._softcap: float | None = getattr(config, "final_logit_softcapping", None)
        self._window: int | None = None
        if "sliding_attention" in (getattr(config, "layer_types", None) or []):
            self._window = config.sliding_window

    def forward(
        self, batch: MicroBatch, temperature: float = 1.0, with_entropy: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        hidden = self.model.base_model(
            input_ids=batch.input_ids,
            position_ids=batch.position_ids,
            attention_mask=self._attention_mask(batch),
            use_cache=False,
        ).last_hidden_state.flatten(0, 1)
        return token_logprobs(
            hidden[batch.predict_from],
            self._logits,
            batch.targets,
            temperature=temperature,
            chunk_tokens=self.chunk_tokens,
            chunks=batch.head_chunks,
            with_entropy=with_entropy,
        )

    def _logits(self, hidden: Tensor) -> Tensor:
        logits = self.model.get_output_embeddings()(hidden)
        if self._softcap is not None:
            logits = torch.tanh(logits / self._softcap) * self._softcap
        return logits

    def _attention_mask(self, batch: MicroBatch) -> Any:
        if self.attention == "flex_attention":
            return self._block_mask(batch)
        full = visible(batch.document, batch.branch)[:, None]
        if self._window is None:
            return full
        near = batch.position_ids[:, :, None] - batch.position_ids[:, None, :] < self._window
        return {"full_attention": full, "sliding_attention": full & near[:, None]}

    def _block_mask(self, batch: MicroBatch) -> Any:
        from torch.nn.attention.flex_attention import create_block_mask

        document, branch, position, window = batch.document, batch.branch, batch.position_ids, self._window

        def sees(b: Tensor, _h: Tensor, query: Tensor, key: Tensor) -> Tensor:
            same_branch = (branch[b, key] == 0) | (branch[b, key] == branch[b, query])
            return (document[b, key] == document[b, query]) & same_branch & (key <= query)

        def sees_near(b: Tensor, h: Tensor, query: Tensor, key: Tensor) -> Tensor:
            assert window is not None
            return sees(b, h, query, key) & (position[b, query] - position[b, key] < window)

        rows, width = document.shape
        full = create_block_mask(sees, rows, None, width, width, device=document.device)
        if window is None:
            return full
        near = create_block_mask(sees_near, rows, None, width, width, device=document.device)
        return {"full_attention": full, "sliding_attention": near}


def load_causal_lm(
    path: Path | str,
    dtype: str,
    attention: str,
    *,
    gradient_checkpointing: bool = False,
    trust_remote_code: bool = False,
) -> Any:
    """The model of a Hugging Face folder, without dropout: the policy that is trained is the one that was sampled."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code)
    for name, value in config.to_dict().items():
        if name.endswith(("dropout", "pdrop")) and isinstance(value, float):
            setattr(config, name, 0.0)
    model = AutoModelForCausalLM.from_pretrained(
        path,
        config=config,
        dtype=TORCH_DTYPES[dtype],
        attn_implementation=attention,
        trust_remote_code=trust_remote_code,
    )
    if gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return model
