"""The backend that runs a model of transformers with torch."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from hfseq.inference.backend import Backend
from hfseq.inference.locks import Lock

# Samples come from torch's global random number generator, which all models share.
_sampling = Lock()


class TorchBackend(Backend):
    """Runs a model with torch, on the device that the model is on.

    Args:
        model (`PreTrainedModel`): the model. It is set to evaluation mode.
    """

    def __init__(self, model: PreTrainedModel):
        self.model = model.eval()
        self.config = model.config
        self.input_names = frozenset(inspect.signature(model.forward).parameters)
        self._generating = Lock()

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        return self.model.device

    def run(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See [`Backend.run`]. Outputs that are not tensors, such as a cache, are left out."""
        with torch.inference_mode():
            outputs = self.model(**self._tensors(batch))
            return {name: _array(value) for name, value in outputs.items() if isinstance(value, torch.Tensor)}

    def generate(self, batch: dict[str, np.ndarray], *, seed: int | None = None, **options: Any) -> np.ndarray:
        """See [`Backend.generate`]. Calls from several threads run one after the other."""
        with self._generating, _seeded(seed, self.device), torch.inference_mode():
            model: Any = self.model
            return _array(model.generate(**self._tensors(batch), **options))

    def decoder_input_ids(self, labels: np.ndarray) -> np.ndarray:
        """See [`Backend.decoder_input_ids`]. Some architectures have their own rule."""
        shift = getattr(self.model, "prepare_decoder_input_ids_from_labels", None)
        if shift is None:
            return super().decoder_input_ids(labels)
        return _array(shift(labels=torch.from_numpy(labels).to(self.device)))

    def _tensors(self, batch: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
        return {name: torch.from_numpy(values).to(self.device) for name, values in batch.items()}


@contextmanager
def _seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Samples with a seed, and leaves the state of the global generators as it was."""
    if seed is None:
        yield
        return
    with _sampling, torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _array(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor
    return tensor.detach().cpu().numpy()
