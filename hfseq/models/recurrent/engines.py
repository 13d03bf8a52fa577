"""Selection of the engine that computes a recurrent layer. All have the same results; they differ in speed.

- `kernel`: the compiled kernel of hfseq, on a CPU in float32;
- `packed`: plain torch on a CPU, over packed tokens;
- `module`: the module of torch: cuDNN on a GPU; on a CPU without the kernel, oneDNN for an LSTM without padding.

The environment variable `HFSEQ_ENGINE` selects it: `auto` (the fastest one available, the default), `kernel` (an error
if it cannot run) or `torch` (never the kernel).
"""

import os
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .compiled_kernels import WHY_MISSING, load_library, recurrent_layer, why_unavailable
from .layer_weights import cell_of, computes_weights, has_cell_state, has_other_hooks, layer_weights, weight_names
from .min_cells import MinCell
from .packed_recurrence import packed_layer
from .recurrent_cell import CellLayer
from .sequence_layout import SequenceLayout

CHOICES = ("auto", "kernel", "torch")

State = tuple[Tensor, ...] | None


def engine_setting() -> str:
    """The value of `HFSEQ_ENGINE`.

    Raises:
        ValueError: it is not `auto`, `kernel` or `torch`.
    """
    setting = os.environ.get("HFSEQ_ENGINE", "auto")
    if setting not in CHOICES:
        raise ValueError(f"HFSEQ_ENGINE is {setting!r}, but must be one of {', '.join(CHOICES)}")
    return setting


def kernel_unavailable() -> str | None:
    """Why the compiled kernel cannot run on this machine, or `None` if it can."""
    if load_library is None:
        return WHY_MISSING
    if engine_setting() == "torch":
        return "HFSEQ_ENGINE=torch"
    return why_unavailable()


def check_engine() -> None:
    """Checks that the engine of `HFSEQ_ENGINE` is available.

    Raises:
        ValueError: the engine is unknown, or it is `kernel` and the compiled kernel is not available.
    """
    if engine_setting() == "kernel" and (reason := kernel_unavailable()) is not None:
        raise ValueError(
            f"HFSEQ_ENGINE is 'kernel', but the compiled kernel cannot run: {reason}. Unset the variable, or "
            "install a C compiler and then hfseq again"
        )


def describe_engine() -> str:
    """The engine on the CPU and the reason for it, in one line."""
    reason = kernel_unavailable()
    library = None if reason is not None else load_library()
    if library is None:
        return f"plain torch (no compiled kernel: {reason})"
    threads = f"{torch.get_num_threads()} threads" if library.threaded else "1 thread: torch's OpenMP was not found"
    return f"compiled kernel ({library.build}, {threads})"


def choose_engine(layer: nn.Module, data: Tensor, layout: SequenceLayout) -> str:
    """The engine for a layer and its input: `kernel`, `packed` or `module`.

    Layers with hooks, quantized layers, and layers with a `forward` of their own are called as modules.

    Raises:
        RuntimeError: `HFSEQ_ENGINE` is `kernel`, and the kernel cannot run.
    """
    called = _why_called(layer)
    dtypes = {data.dtype, *(parameter.dtype for parameter in layer.parameters())}
    reason = None
    if data.device.type != "cpu":
        reason = f"it runs on a CPU, not on {data.device.type}"
    elif dtypes != {torch.float32}:
        reason = "it computes in float32, not in " + " and ".join(sorted(str(dtype) for dtype in dtypes))
    elif torch.compiler.is_exporting():
        reason = "a graph is being exported"
    else:
        reason = called or kernel_unavailable()
    if reason is not None and engine_setting() == "kernel":
        raise RuntimeError(f"HFSEQ_ENGINE=kernel, but the compiled kernel cannot run here: {reason}")
    # Measured with recipes/benchmarks/recurrence.py: the kernel is the fastest on ragged batches. Without padding, the
    # LSTM of oneDNN, which torch's module runs, is at best as fast as the kernel, but faster than plain torch.
    if reason is None:
        return "kernel"
    if called or data.device.type != "cpu" or torch.compiler.is_exporting():
        return "module"
    return "module" if cell_of(layer) == "lstm" and layout.is_dense else "packed"


def _why_called(layer: nn.Module) -> str | None:
    """Why a layer must be called as a module, or `None` if its weights define what it computes."""
    if isinstance(layer, MinCell):
        return None  # it chooses its engine itself
    if isinstance(layer, CellLayer):
        return f"{type(layer.cells[0]).__name__} is a cell of a plug-in, which runs in plain torch"
    if has_other_hooks(layer):
        return "the layer has hooks, which run only if torch's module is called"
    if cell_of(layer) is None:
        return f"{type(layer).__module__}.{type(layer).__qualname__} is computed by its own forward"
    return None


def run_layer(
    layer: nn.Module,
    data: Tensor,
    layout: SequenceLayout,
    state: State,
    weights: list[Tensor] | None = None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Runs one recurrent layer over packed tokens.

    Args:
        layer (`torch.nn.RNNBase`, `MinCell` or `CellLayer`): a layer with one or two directions, and `batch_first`. A
            quantized layer is also possible.
        data (`torch.Tensor` of shape `(num_tokens, input_size)`): the tokens, in the order of the layout.
        layout (`SequenceLayout`): the positions of the tokens.
        state (`tuple[torch.Tensor, ...]` of shape `(num_directions, num_rows, hidden_size)` each, *optional*, defaults
            to zeros): hidden state, and cell state of an LSTM, before the first token. The rows are those of the
            layout.
        weights (`list[torch.Tensor]`, *optional*, defaults to the weights of the layer): weights to use instead, in
            the same order.

    Returns:
        `tuple`: the outputs `(num_tokens, num_directions * hidden_size)` and the final state.
    """
    given = weights is not None
    weights = layer_weights(layer) if weights is None else weights
    if data.device.type == "cpu" and torch.is_autocast_enabled("cpu") and weights:
        # Products may be in half precision, but not the state that is passed from step to step.
        data = data.to(weights[0].dtype)
    engine = choose_engine(layer, data, layout)
    if isinstance(layer, MinCell):
        initial = None if state is None else state[0]
        outputs, final = layer(PackedSequence(data, layout.batch_sizes), initial, kernel=engine == "kernel")
        return outputs.data, (final,)
    if isinstance(layer, CellLayer):
        outputs, final = layer(PackedSequence(data, layout.batch_sizes), state)
        return outputs.data, final
    cell = cell_of(layer) or ""
    if engine == "module" and given and computes_weights(layer) and cell:
        engine = "packed"  # the module would compute its weights itself, instead of using the given ones
    if engine == "kernel":
        return recurrent_layer(cell, data, layout.batch_sizes, weights, state)
    if engine == "module":
        return _run_module(layer, data, layout, state, weights if given else None)
    if state is None:
        state = zero_state(layer, data, len(layout.rows))
    return packed_layer(cell, data, layout.batch_sizes, weights, state)


def zero_state(layer: Any, data: Tensor, rows: int) -> tuple[Tensor, ...]:
    """A state of zeros with the dtype of `data` for the given number of rows."""
    zeros = data.new_zeros(1 + layer.bidirectional, rows, layer.hidden_size)
    return (zeros, zeros) if has_cell_state(layer) else (zeros,)


def _run_module(layer, data, layout, state, weights):
    inputs = PackedSequence(data, layout.batch_sizes)
    if layout.is_dense:
        batch, length = layout.shape
        inputs = data.view(length, batch, -1).transpose(0, 1)  # (batch, length, size)
    initial = state if state is None or has_cell_state(layer) else state[0]
    names = weight_names(layer)
    if weights and any(weight is not getattr(layer, name) for name, weight in zip(names, weights, strict=True)):
        arguments = dict(zip(names, weights, strict=True)), (inputs, initial)
        outputs, final = torch.func.functional_call(layer, *arguments)
    else:
        outputs, final = layer(inputs, initial)
    outputs = outputs.transpose(0, 1).flatten(0, 1) if layout.is_dense else outputs.data
    return outputs, final if has_cell_state(layer) else (final,)
