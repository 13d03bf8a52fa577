"""Which engine computes a recurrent layer. All give the same numbers; they differ in speed.

- `kernel`: the compiled kernel of hfseq, on a CPU in float32;
- `packed`: plain torch on a CPU, over packed tokens;
- `module`: torch's own module: cuDNN on a GPU, and without the kernel oneDNN for an LSTM over whole rows on a CPU.

The environment variable `HFSEQ_ENGINE` decides: `auto` (the fastest of those at hand, the default), `kernel` (an error
where it cannot run) or `torch` (never the kernel).
"""

import os

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .compiled_kernels import WHY_MISSING, load_library, recurrent_layer, why_unavailable
from .min_cells import MinCell
from .packed_recurrence import packed_layer
from .sequence_layout import SequenceLayout

CHOICES = ("auto", "kernel", "torch")
_CELLS = {nn.RNN: "rnn", nn.LSTM: "lstm", nn.GRU: "gru"}

State = tuple[Tensor, ...] | None


def engine_setting() -> str:
    """What `HFSEQ_ENGINE` asks for.

    Raises:
        ValueError: on anything but `auto`, `kernel` or `torch`.
    """
    setting = os.environ.get("HFSEQ_ENGINE", "auto")
    if setting not in CHOICES:
        raise ValueError(f"HFSEQ_ENGINE is {setting!r}, but must be one of {', '.join(CHOICES)}")
    return setting


def kernel_unavailable() -> str | None:
    """Why the compiled kernel does not run here, or None where it does."""
    if load_library is None:
        return WHY_MISSING
    if engine_setting() == "torch":
        return "HFSEQ_ENGINE=torch"
    return why_unavailable()


def check_engine() -> None:
    """Whether what `HFSEQ_ENGINE` asks for can be had.

    Raises:
        ValueError: on an unknown engine, or `kernel` where the compiled kernel is not there.
    """
    if engine_setting() == "kernel" and (reason := kernel_unavailable()) is not None:
        raise ValueError(
            f"HFSEQ_ENGINE is 'kernel', but the compiled kernel cannot run: {reason}; leave the variable out, or "
            "install a C compiler and then hfseq again"
        )


def describe_engine() -> str:
    """One line for a user: the engine on the CPU, and why."""
    reason = kernel_unavailable()
    library = None if reason is not None else load_library()
    if library is None:
        return f"plain torch (no compiled kernel: {reason})"
    threads = f"{torch.get_num_threads()} threads" if library.threaded else "1 thread: torch's OpenMP was not found"
    return f"compiled kernel ({library.build}, {threads})"


def choose_engine(layer: nn.RNNBase | MinCell, data: Tensor, layout: SequenceLayout) -> str:
    """The engine for a layer and its input: `kernel`, `packed` or `module`.

    Raises:
        RuntimeError: where `HFSEQ_ENGINE=kernel` and the kernel cannot run.
    """
    forced = engine_setting() == "kernel"
    dtypes = {data.dtype, layer.weight_ih_l0.dtype}
    reason = None
    if data.device.type != "cpu":
        reason = f"it runs on a CPU, not on {data.device.type}"
    elif dtypes != {torch.float32}:
        reason = "it computes in float32, not in " + " and ".join(sorted(str(dtype) for dtype in dtypes))
    elif torch.compiler.is_exporting():
        reason = "a graph is being exported"
    else:
        reason = kernel_unavailable()
    if forced and reason is not None:
        raise RuntimeError(f"HFSEQ_ENGINE=kernel, but the compiled kernel cannot run here: {reason}")
    # Measured (recipes/benchmarks/recurrence.py): the kernel is the fastest on ragged batches; oneDNN's LSTM, which
    # torch's module runs over whole rows, is at best level with it, and ahead of what plain torch does there.
    if reason is None:
        return "kernel"
    if data.device.type != "cpu" or torch.compiler.is_exporting() or (isinstance(layer, nn.LSTM) and layout.is_dense):
        return "module"
    return "packed"


def run_layer(
    layer: nn.RNNBase | MinCell, data: Tensor, layout: SequenceLayout, state: State, weights: list[Tensor]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Runs one recurrent layer over packed tokens, exactly.

    Args:
        layer (`torch.nn.RNNBase` or `MinCell`): says which cell it is; one layer, one or two directions,
            `batch_first`.
        data (`torch.Tensor` of shape `(num_tokens, input_size)`): the tokens, in the order of the layout.
        layout (`SequenceLayout`): which token belongs where.
        state (`tuple[torch.Tensor, ...]` of shape `(num_directions, num_rows, hidden_size)` each, *optional*, defaults
            to zeros): hidden state, and cell state for an LSTM, before the first token; rows as in the layout.
        weights (`list[torch.Tensor]`): the layer's parameters, or what stands in for them, in its order.

    Returns:
        `tuple`: the outputs `(num_tokens, num_directions * hidden_size)` and the final state.
    """
    if data.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        # Products may be made in half a precision; what is handed from step to step may not.
        data = data.to(weights[0].dtype)
    engine = choose_engine(layer, data, layout)
    if isinstance(layer, MinCell):
        initial = None if state is None else state[0]
        outputs, final = layer(PackedSequence(data, layout.batch_sizes), initial, kernel=engine == "kernel")
        return outputs.data, (final,)
    if engine == "kernel":
        return recurrent_layer(_CELLS[type(layer)], data, layout.batch_sizes, weights, state)
    if engine == "module":
        return _run_module(layer, data, layout, state, weights)
    if state is None:
        state = zero_state(layer, data, len(layout.rows))
    return packed_layer(_CELLS[type(layer)], data, layout.batch_sizes, weights, state)


def zero_state(layer: nn.RNNBase | MinCell, data: Tensor, rows: int) -> tuple[Tensor, ...]:
    """Zeros of the precision of `data`: hidden state and, for an LSTM, cell state of that many rows."""
    zeros = data.new_zeros(1 + layer.bidirectional, rows, layer.hidden_size)
    return (zeros, zeros) if isinstance(layer, nn.LSTM) else (zeros,)


def _run_module(layer, data, layout, state, weights):
    inputs = PackedSequence(data, layout.batch_sizes)
    if layout.is_dense:
        batch, length = layout.shape
        inputs = data.view(length, batch, -1).transpose(0, 1)  # (batch, length, size)
    initial = state if state is None or isinstance(layer, nn.LSTM) else state[0]
    names = [name for name, _ in layer.named_parameters()]
    if any(weight is not getattr(layer, name) for name, weight in zip(names, weights, strict=True)):
        arguments = dict(zip(names, weights, strict=True)), (inputs, initial)
        outputs, final = torch.func.functional_call(layer, *arguments)
    else:
        outputs, final = layer(inputs, initial)
    outputs = outputs.transpose(0, 1).flatten(0, 1) if layout.is_dense else outputs.data
    return outputs, final if isinstance(layer, nn.LSTM) else (final,)
