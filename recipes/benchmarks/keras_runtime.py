"""A recurrent layer in Keras, compiled by JAX."""

import os

os.environ["KERAS_BACKEND"] = "jax"

from typing import Any

import jax
import keras
import numpy as np
import torch
from problems import Problem
from torch import Tensor

# Index of each Keras gate in the order of torch: LSTM i f c o in i f g o, GRU z r h in r z n.
_GATE_ORDER = {"lstm": (0, 1, 2, 3), "gru": (1, 0, 2)}


def keras_runtime(problem: Problem) -> Any:
    """The layer over the padded batch with its mask. The number of threads of JAX cannot be set."""
    module, layout = problem.module, problem.layout
    kind = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[problem.cell]
    layer = keras.layers.Bidirectional(kind(module.hidden_size, return_sequences=True))
    padded = layout.unpack(problem.data).numpy()  # (batch, length, size)
    mask = (torch.arange(layout.shape[1]) < layout.lengths[:, None]).numpy()
    layer.build(padded.shape)
    layer.set_weights([weight for suffix in ("", "_reverse") for weight in _weights(problem, suffix)])

    @jax.jit
    def outputs_of(trained: Any, other: Any, inputs: Any, real: Any) -> Any:
        return layer.stateless_call(trained, other, inputs, mask=real)[0]

    given = [
        [variable.value for variable in layer.trainable_variables],
        [variable.value for variable in layer.non_trainable_variables],
        jax.numpy.asarray(padded),
        jax.numpy.asarray(mask),
    ]

    def compute() -> Any:
        return outputs_of(*given).block_until_ready()

    def packed(outputs: Any) -> Tensor:
        return layout.pack(torch.from_numpy(np.array(outputs)))

    return compute, packed


def _weights(problem: Problem, suffix: str) -> list[np.ndarray]:
    def reordered(parameter: Tensor) -> np.ndarray:
        order = _GATE_ORDER[problem.cell]
        gates = np.split(parameter.detach().numpy(), len(order))
        return np.concatenate([gates[gate] for gate in order])

    module = problem.module
    products = [reordered(getattr(module, f"weight_{part}_l0{suffix}")).T for part in ("ih", "hh")]
    biases = [reordered(getattr(module, f"bias_{part}_l0{suffix}")) for part in ("ih", "hh")]
    # The GRU of Keras has two biases, like that of torch. Its LSTM has their sum.
    return [*products, np.stack(biases) if problem.cell == "gru" else biases[0] + biases[1]]
