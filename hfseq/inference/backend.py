"""The seam between a predictor and the library that runs its model."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from hfseq.errors import HfseqError


class Backend(ABC):
    """Runs a saved model on batches of NumPy arrays.

    [`Predictor`] owns the processor and the decoding. It calls a backend with padded batches and reads the outputs by
    name. Several threads may call one backend at the same time.

    Attributes:
        config (`PreTrainedConfig`): configuration of the model.
        input_names (`frozenset[str]`): names of the inputs that the model accepts.
    """

    config: Any
    input_names: frozenset[str]

    @abstractmethod
    def run(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Computes the outputs of the model for one batch.

        Args:
            batch (`dict[str, np.ndarray]`): padded inputs by name, such as `input_ids` of shape `(batch, length)`,
                `input_features` of shape `(batch, length, features)` and `attention_mask` of shape `(batch, length)`.

        Returns:
            `dict[str, np.ndarray]`: outputs by name, such as `logits` of shape `(batch, num_labels)`. Floating-point
            outputs have at least 32 bits.
        """

    def generate(self, batch: dict[str, np.ndarray], *, seed: int | None = None, **options: Any) -> np.ndarray:
        """Generates tokens with the model.

        Args:
            batch (`dict[str, np.ndarray]`): padded inputs by name, as for [`run`].
            seed (`int`, *optional*): seed for sampling. Not needed for a search.
            options: options of transformers' `generate`, such as `max_new_tokens`. By default those that are saved
                with the model.

        Returns:
            `np.ndarray` of shape `(batch * num_return_sequences, length)`: token ids, with the prompt (decoder-only
            models) or the start token (encoder-decoder models) first.

        Raises:
            HfseqError: the backend cannot generate.
        """
        raise HfseqError(f"{type(self).__name__} cannot generate; load the model with TorchBackend")

    def decoder_input_ids(self, labels: np.ndarray) -> np.ndarray:
        """The tokens that a decoder reads to predict `labels`: the start token, then all labels but the last.

        Args:
            labels (`np.ndarray` of shape `(batch, length)`): token ids, padded on the right with -100.

        Returns:
            `np.ndarray` of shape `(batch, length)`.
        """
        shifted = np.full_like(labels, self.config.decoder_start_token_id)
        shifted[:, 1:] = labels[:, :-1]
        return np.where(shifted == -100, self.config.pad_token_id, shifted)


class BackendModel:
    """A backend with the interface of a model in evaluation mode, as tasks call it: tensors in, tensors out.

    Args:
        backend (`Backend`): the backend.
    """

    training = False

    def __init__(self, backend: Backend):
        self.backend = backend
        self.config = backend.config
        self.input_names = backend.input_names

    def __call__(self, **inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        outputs = self.backend.run(_arrays(inputs))
        return {name: torch.from_numpy(values) for name, values in outputs.items()}

    def generate(self, **inputs: Any) -> torch.Tensor:
        """See [`Backend.generate`]; what is not a tensor is an option."""
        options = {name: value for name, value in inputs.items() if not isinstance(value, torch.Tensor)}
        batch = {name: value for name, value in inputs.items() if name not in options}
        return torch.from_numpy(self.backend.generate(_arrays(batch), **options))

    def prepare_decoder_input_ids_from_labels(self, labels: torch.Tensor) -> torch.Tensor:
        """See [`Backend.decoder_input_ids`]."""
        return torch.from_numpy(self.backend.decoder_input_ids(labels.numpy()))


def _arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: values.numpy() for name, values in tensors.items()}
