"""The compiled scan of minGRU and minLSTM as an operator of torch."""

import ctypes

import torch
from torch import Tensor

from hfseq.kernels import buffers
from hfseq.kernels.library import require_library
from hfseq.kernels.recurrence import _second_backward, check_batch_sizes

# Number of gates of each cell, including the candidate. It also identifies the cell in csrc/scan.h.
GATES = {"mingru": 2, "minlstm": 3}
# With fewer states, starting a second thread takes longer than it saves.
_MIN_STATES_FOR_THREADS = 32_768


class _Scan(ctypes.Structure):
    """`scan` of csrc/scan.h, with the same fields."""

    _fields_ = [
        *(
            (name, ctypes.c_int64)
            for name in ("cell", "tokens", "steps", "rows", "size", "directions", "threads")
        ),
        *(
            (name, ctypes.c_void_p)
            for name in (
                "batch_sizes", "gates", "hidden0", "output", "hidden", "grad_output", "grad_gates", "grad_hidden",
            )
        ),
    ]  # fmt: skip


_operators = torch.library.Library("hfseq", "FRAGMENT")
_operators.define(
    "gated_scan(str cell, Tensor gates, Tensor batch_sizes, Tensor hidden0) -> (Tensor output, Tensor hidden_n)"
)
_operators.define(
    "gated_scan_backward(str cell, Tensor gates, Tensor batch_sizes, Tensor hidden0, Tensor output, "
    "Tensor grad_output, Tensor? grad_hidden_n) -> (Tensor grad_gates, Tensor grad_hidden0)"
)


def gated_scan(cell: str, gates: Tensor, batch_sizes: Tensor, hidden0: Tensor) -> tuple[Tensor, Tensor]:
    """Runs a minGRU or a minLSTM over packed sequences with projected inputs, in float32 on a CPU.

    Feng et al. (2024), "Were RNNs All We Needed?". The result does not depend on the number of threads.

    Args:
        cell (`str`): `"mingru"` (gates: update, candidate) or `"minlstm"` (gates: input, forget, candidate).
        gates (`torch.FloatTensor` of shape `(num_tokens, num_directions * gates * hidden_size)`): before activation;
            time-major, the longest rows first. The second direction goes backwards in time.
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`): number of rows with a token at each step.
        hidden0 (`torch.FloatTensor` of shape `(num_directions, rows, hidden_size)`): state before the first token.

    Returns:
        `tuple`: the outputs `(num_tokens, num_directions * hidden_size)` and the final state.

    Raises:
        RuntimeError: the kernels are not installed.
    """
    return torch.ops.hfseq.gated_scan(cell, gates, batch_sizes, hidden0)


def _forward(cell, gates, batch_sizes, hidden0):
    gates, batch_sizes, hidden0 = gates.contiguous(), batch_sizes.contiguous(), hidden0.contiguous()
    output = buffers.empty((gates.shape[0], hidden0.shape[0] * hidden0.shape[2]))
    hidden_n = hidden0.clone()
    call = _call(cell, gates, batch_sizes, hidden0, output=output, hidden=hidden_n)
    require_library().functions.hfseq_scan_forward(ctypes.byref(call))
    return output, hidden_n


def _backward(cell, gates, batch_sizes, hidden0, output, grad_output, grad_hidden_n):
    gates, batch_sizes, hidden0 = gates.contiguous(), batch_sizes.contiguous(), hidden0.contiguous()
    output, grad_output = output.contiguous(), grad_output.contiguous()
    grad_gates = buffers.empty(tuple(gates.shape))
    grad_hidden = torch.empty_like(hidden0)
    grad_hidden.zero_() if grad_hidden_n is None else grad_hidden.copy_(grad_hidden_n)
    call = _call(
        cell, gates, batch_sizes, hidden0, output=output, grad_output=grad_output, grad_gates=grad_gates,
        grad_hidden=grad_hidden,
    )  # fmt: skip
    require_library().functions.hfseq_scan_backward(ctypes.byref(call))
    return grad_gates, grad_hidden


def _call(cell: str, gates: Tensor, batch_sizes: Tensor, hidden0: Tensor, **others: Tensor) -> _Scan:
    """The arguments of a call. The caller must keep a reference to the tensors, which must be contiguous."""
    call = _Scan()
    call.cell = GATES[cell]
    call.directions, call.rows, call.size = hidden0.shape
    call.tokens, call.steps = gates.shape[0], batch_sizes.numel()
    # The kernel uses them as indices of its memory.
    check_batch_sizes(batch_sizes, call.tokens)
    outputs = [others[name] for name in ("output", "grad_output") if name in others]
    if (
        {gates.dtype, hidden0.dtype} != {torch.float32}
        or gates.shape[1] != call.directions * call.cell * call.size
        or (call.steps and int(batch_sizes[0]) != call.rows)
        or any(tensor.numel() < call.tokens * call.directions * call.size for tensor in outputs)
    ):
        raise ValueError(
            f"gated_scan: gates {tuple(gates.shape)} of {gates.dtype}, hidden0 {tuple(hidden0.shape)} of "
            f"{hidden0.dtype} and batch_sizes of {call.tokens} tokens do not match"
        )
    states = call.tokens * call.directions * call.size
    call.threads = torch.get_num_threads() if states > _MIN_STATES_FOR_THREADS else 1
    tensors = {"gates": gates, "batch_sizes": batch_sizes, "hidden0": hidden0, **others}
    for name, tensor in tensors.items():
        setattr(call, name, tensor.data_ptr())
    return call


def _fake_forward(cell, gates, batch_sizes, hidden0):
    directions, _, size = hidden0.shape
    return gates.new_empty((gates.shape[0], directions * size)), gates.new_empty(hidden0.shape)


def _fake_backward(cell, gates, batch_sizes, hidden0, output, grad_output, grad_hidden_n):
    return gates.new_empty(gates.shape), hidden0.new_empty(hidden0.shape)


def _setup_context(ctx, inputs, output):
    ctx.cell, gates, batch_sizes, hidden0 = inputs
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(gates, batch_sizes, hidden0, output[0])


def _autograd_backward(ctx, grad_output, grad_hidden_n):
    gates, batch_sizes, hidden0, output = ctx.saved_tensors
    if grad_output is None:
        grad_output = torch.zeros_like(output)
    grad_gates, grad_hidden0 = torch.ops.hfseq.gated_scan_backward(
        ctx.cell, gates, batch_sizes, hidden0, output, grad_output, grad_hidden_n
    )
    return None, grad_gates, None, grad_hidden0


_operators.impl("gated_scan", _forward, "CPU")
_operators.impl("gated_scan_backward", _backward, "CPU")
torch.library.register_fake("hfseq::gated_scan", _fake_forward, lib=_operators)
torch.library.register_fake("hfseq::gated_scan_backward", _fake_backward, lib=_operators)
torch.library.register_autograd("hfseq::gated_scan", _autograd_backward, setup_context=_setup_context, lib=_operators)
torch.library.register_autograd("hfseq::gated_scan_backward", _second_backward, lib=_operators)
