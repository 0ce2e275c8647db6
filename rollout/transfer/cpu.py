"""The receiving end of weight transfer on CPUs: an engine of ours, registered with vLLM and driven through its RL API.

With prepacking vLLM turns every linear weight into oneDNN's layout and frees the original, so new weights go through
vLLM's layerwise reload, which packs again. That leaves an output layer tied to the embedding stale without an error:
its packed copy belongs to a module that loads nothing. It is packed again here. Without prepacking weights are live and
loaded in place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from vllm.distributed.weight_transfer import WeightTransferEngine, WeightTransferEngineFactory
from vllm.distributed.weight_transfer.base import WeightTransferInitInfo, WeightTransferUpdateInfo

from rollout.attest import WeightPushError

BACKEND = "lpo_cpu"


@dataclass
class CpuInitInfo(WeightTransferInitInfo):
    prepacked: bool = True


@dataclass
class CpuUpdateInfo(WeightTransferUpdateInfo):
    """One chunk of a push: tensors under their Hugging Face names, in this process's memory."""

    tensors: list[tuple[str, torch.Tensor]] = field(default_factory=list)


class CpuWeightTransferEngine(WeightTransferEngine[CpuInitInfo, CpuUpdateInfo]):
    init_info_cls = CpuInitInfo
    update_info_cls = CpuUpdateInfo
    supports_draft_weight_update = False

    def init_transfer_engine(self, init_info: CpuInitInfo) -> None:
        self._prepacked = init_info.prepacked
        self._parameters = {name for name, _ in self.model.named_parameters()}
        if not self._prepacked and any(parameter.numel() == 0 for parameter in self.model.parameters()):
            raise RuntimeError(
                "vLLM packed the weights of this model although prepacking is off; set engine.prepack to true"
            )

    def start_weight_update(self) -> None:
        self._loaded: set[str] = set()
        if self._prepacked:
            from vllm.model_executor.model_loader.reload import initialize_layerwise_reload

            initialize_layerwise_reload(self.model)

    def update_weights(self, update_info: dict[str, Any]) -> None:
        # Not the base class's: that one ends in torch.accelerator.synchronize(), which needs an accelerator.
        self.receive_weights(self.parse_update_info(update_info))

    def receive_weights(self, update_info: CpuUpdateInfo) -> None:
        self._loaded |= self.model.load_weights(update_info.tensors) or set()

    def finish_weight_update(self) -> None:
        if self._prepacked:
            from vllm.model_executor.model_loader.reload import finalize_layerwise_reload

            finalize_layerwise_reload(self.model, self.model_config)
        repack_tied_layers(self.model)
        if missing := self._parameters - self._loaded:
            raise WeightPushError(
                f"the weights arrived in part: vLLM did not load {', '.join(sorted(missing)[:3])} (of {len(missing)})"
            )

    def shutdown(self) -> None:
        pass


def repack_tied_layers(model: torch.nn.Module) -> None:
    """Give modules that share a weight with an earlier one a packed copy of what the weight is now."""
    from vllm.model_executor.layers.utils import dispatch_cpu_unquantized_gemm

    seen: set[int] = set()
    for module in model.modules():
        weight = module._parameters.get("weight")
        if weight is None:
            continue
        if id(weight) in seen and hasattr(module, "cpu_linear"):
            dispatch_cpu_unquantized_gemm(module, remove_weight=False)
        seen.add(id(weight))


def register() -> None:
    """Make the backend known to vLLM in this process; a second call does nothing."""
    if BACKEND not in WeightTransferEngineFactory._registry:
        WeightTransferEngineFactory.register_engine(BACKEND, CpuWeightTransferEngine)
