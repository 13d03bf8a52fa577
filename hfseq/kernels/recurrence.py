"""The compiled recurrent layer as an operator of torch."""

import contextlib
import ctypes
import threading
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from hfseq.kernels import buffers
from hfseq.kernels.library import KernelLibrary, require_library

# Number of gates of each cell; also its name in csrc/recurrence.h.
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
# Below this many multiplications, waking a second thread takes longer than it saves.
_SMALL = 1_000_000

_TWO = ctypes.c_void_p * 2


class _Recurrence(ctypes.Structure):
    """`recurrence` of csrc/recurrence.h, field by field."""

    _fields_ = [
        *(
            (name, ctypes.c_int64)
            for name in (
                "cell", "tokens", "steps", "rows", "input_size", "hidden_size", "directions", "threads", "training",
                "pairs",
            )
        ),
        ("batch_sizes", ctypes.c_void_p),
        ("input", ctypes.c_void_p),
        *((name, _TWO) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")),
        *(
            (name, ctypes.c_void_p)
            for name in (
                "packed", "hidden0", "cell0", "output", "hidden_n", "cell_n", "gates", "memory", "grad_output",
                "grad_hidden_n", "grad_cell_n", "grad_input",
            )
        ),
        *((name, _TWO) for name in ("grad_weight_ih", "grad_weight_hh", "grad_bias_ih", "grad_bias_hh")),
        ("grad_hidden0", ctypes.c_void_p),
        ("grad_cell0", ctypes.c_void_p),
        ("scratch", ctypes.c_void_p),
    ]  # fmt: skip


_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_operators = torch.library.Library("hfseq", "FRAGMENT")
# The weights one by one: an operator that takes lists of tensors cannot be an autograd function as it stands.
_operators.define(
    "recurrent_layer(str cell, Tensor input, Tensor batch_sizes, Tensor? hidden0, Tensor? cell0, bool keep, "
    "bool bfloat16, Tensor weight_ih, Tensor weight_hh, Tensor bias_ih, Tensor bias_hh, "
    "Tensor? weight_ih_reverse=None, Tensor? weight_hh_reverse=None, Tensor? bias_ih_reverse=None, "
    "Tensor? bias_hh_reverse=None) "
    "-> (Tensor output, Tensor hidden_n, Tensor cell_n, Tensor gates, Tensor memory)"
)
_operators.define(
    "recurrent_layer_backward(str cell, Tensor input, Tensor batch_sizes, Tensor[] weights, Tensor? hidden0, "
    "Tensor? cell0, Tensor output, Tensor gates, Tensor memory, Tensor grad_output, Tensor? grad_hidden_n, "
    "Tensor? grad_cell_n, bool[] wanted, bool bfloat16) -> Tensor[]"
)


def recurrent_layer(
    cell: str, data: Tensor, batch_sizes: Tensor, weights: Sequence[Tensor], state: tuple[Tensor, ...] | None = None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Runs one recurrent layer over packed sequences, exactly as torch's packed modules do, in float32 on a CPU.

    Args:
        cell (`str`): `"rnn"` (tanh), `"gru"` or `"lstm"`.
        data (`torch.FloatTensor` of shape `(num_tokens, input_size)`): the tokens, time-major, the longest rows first.
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`): how many rows have a token at each step.
        weights (`Sequence[torch.Tensor]`): `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, of each direction.
        state (`tuple[torch.Tensor, ...]` of shape `(num_directions, rows, hidden_size)` each, *optional*, defaults to
            zeros): hidden state, and cell state for an LSTM, before the first token.

    Returns:
        `tuple`: the outputs `(num_tokens, num_directions * hidden_size)` and the final state.

    Raises:
        RuntimeError: where the kernels are not installed.
        ValueError: on tensors that are not float32, or whose shapes do not belong together.
    """
    given = state is not None
    tensors = (data, *weights, *(state or ()))
    keep = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    hidden0 = state[0] if given else None  # type: ignore[index]
    cell0 = state[1] if given and cell == "lstm" else None  # type: ignore[index]
    output, hidden_n, cell_n, _, _ = torch.ops.hfseq.recurrent_layer(
        cell, data, batch_sizes, hidden0, cell0, keep, multiplies_in_bfloat16(), *weights
    )
    return output, (hidden_n, cell_n) if cell == "lstm" else (hidden_n,)


def multiplies_in_bfloat16() -> bool:
    """Whether the kernel is to multiply in bfloat16: under autocast to it, on a processor that can.

    Sums, gates and states stay in float32, so that a long sequence loses nothing on its way.
    """
    wanted = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return wanted and require_library().bfloat16


def _forward(cell, input, batch_sizes, hidden0, cell0, keep, bfloat16, *weights):
    library = require_library()
    weights = tuple(weight.contiguous() for weight in weights if weight is not None)
    _check(cell, input, batch_sizes, weights, hidden0, cell0)
    input = input.contiguous()
    call = _call(library, cell, input, batch_sizes, weights, hidden0, cell0, bfloat16)
    new = _shapes(cell, call.tokens, call.rows, weights, keep)
    output, hidden_n, cell_n, gates, memory = (buffers.empty(shape) for shape in new)
    call.training = keep
    if keep:
        _packed.pop(weights[0], None)  # what is trained will change
    packed = None if keep else _packed_weights(library, call, weights)
    _set(call, packed=packed, output=output, hidden_n=hidden_n, cell_n=cell_n, gates=gates, memory=memory)
    _run(library, call, backward=False)
    return output, hidden_n, cell_n, gates, memory


def _backward(
    cell, input, batch_sizes, weights, hidden0, cell0, output, gates, memory, grad_output, grad_hidden_n,
    grad_cell_n, wanted, bfloat16,
):  # fmt: skip
    library = require_library()
    input, weights = input.contiguous(), [weight.contiguous() for weight in weights]
    _check(cell, input, batch_sizes, weights, hidden0, cell0)
    if cell != "lstm":
        grad_cell_n = None
    call = _call(library, cell, input, batch_sizes, weights, hidden0, cell0, bfloat16)
    new = _shapes(cell, call.tokens, call.rows, weights, keep=True)
    _check_kept(new, output, gates, memory, grad_output, grad_hidden_n, grad_cell_n)
    grad_output = grad_output.contiguous()
    grad_hidden_n = None if grad_hidden_n is None else grad_hidden_n.contiguous()
    grad_cell_n = None if grad_cell_n is None else grad_cell_n.contiguous()
    directions = len(weights) // 4
    state = (directions, call.rows, call.hidden_size)
    shapes = [(directions, *input.shape), state, state, *(weight.shape for weight in weights)]
    # Where there is no token, nothing is written.
    make = buffers.empty if call.tokens else input.new_zeros
    grads = [make(shape) if want else None for shape, want in zip(shapes, wanted, strict=True)]
    _set(
        call, output=output, gates=gates, memory=memory, grad_output=grad_output, grad_hidden_n=grad_hidden_n,
        grad_cell_n=grad_cell_n, grad_input=grads[0], grad_hidden0=grads[1], grad_cell0=grads[2],
    )  # fmt: skip
    for position, grad in enumerate(grads[3:]):
        if grad is not None:
            getattr(call, f"grad_{_WEIGHTS[position % 4]}")[position // 4] = grad.data_ptr()
    call.training = 1
    _run(library, call, backward=True)
    if grads[0] is not None:
        # Each direction has written its own.
        grads[0] = grads[0][0] if directions == 1 else grads[0][0].add_(grads[0][1])
    return [grad for grad in grads if grad is not None]


def check_batch_sizes(batch_sizes: Tensor, num_tokens: int) -> list[int]:
    """The batch sizes as a list.

    Raises:
        ValueError: where they are not those of so many packed tokens: as many as there are, on ever fewer rows.
    """
    sizes = batch_sizes.tolist()
    if batch_sizes.dtype != torch.int64 or sum(sizes) != num_tokens or sizes != sorted(sizes, reverse=True):
        raise ValueError(
            "batch_sizes must be int64, fall from step to step and add up to the number of tokens; it is of "
            f"{batch_sizes.dtype}, adds up to {sum(sizes)}, and there are {num_tokens} tokens"
        )
    if sizes and sizes[-1] < 0:
        raise ValueError(f"batch_sizes must not be negative, but they end in {sizes[-1]}")
    return sizes


def _check(cell, input, batch_sizes, weights, hidden0, cell0):
    """The compiled code believes what it is told of its memory: nothing wrong may come that far."""
    if cell not in GATES:
        raise ValueError(f"the cell is {cell!r}, but must be one of {', '.join(GATES)}")
    states = [state for state in (hidden0, cell0) if state is not None]
    dtypes = {tensor.dtype for tensor in (input, *weights, *states)}
    if dtypes != {torch.float32}:
        names = ", ".join(sorted(map(str, dtypes)))
        raise ValueError(f"the compiled recurrence computes in float32; its arguments are of {names}")
    if input.dim() != 2 or len(weights) not in (4, 8):
        raise ValueError(
            "the compiled recurrence takes packed tokens (num_tokens, input_size) and 4 weights of each of one or two "
            f"directions; got a tensor of shape {tuple(input.shape)} and {len(weights)} weights"
        )
    size = weights[1].shape[-1]
    gates = GATES[cell] * size
    shapes = [(gates, input.shape[1]), (gates, size), (gates,), (gates,)] * (len(weights) // 4)
    found = [tuple(weight.shape) for weight in weights]
    if found != shapes:
        raise ValueError(f"the weights have the shapes {found}, but those of this {cell} must be {shapes}")
    sizes = check_batch_sizes(batch_sizes, len(input))
    if sizes and sizes[-1] < 1:
        raise ValueError("batch_sizes must be positive: a step without tokens is no step")
    shape = (len(weights) // 4, sizes[0] if sizes else 0, size)
    for state in states:
        if tuple(state.shape) != shape:
            raise ValueError(f"the initial state has the shape {tuple(state.shape)}, but must have {shape}")


def _check_kept(new, output, gates, memory, grad_output, grad_hidden_n, grad_cell_n):
    """What the way forward has kept, and the gradients of its results."""
    kept = (output, None, None, gates, memory)
    for shape, tensor in zip(new, kept, strict=True):
        if tensor is not None and (tuple(tensor.shape) != shape or not tensor.is_contiguous()):
            raise ValueError(
                f"the gradient of the compiled recurrence needs what was kept on the way forward, of shape {shape}, "
                f"not {tuple(tensor.shape)}: call the operator with keep=True"
            )
    for shape, grad in zip(new, (grad_output, grad_hidden_n, grad_cell_n), strict=False):
        if grad is not None and (tuple(grad.shape) != shape or grad.dtype != torch.float32):
            raise ValueError(
                f"a gradient has the shape {tuple(grad.shape)} and is of {grad.dtype}, not {shape} of float32"
            )


def _shapes(cell, tokens, rows, weights, keep):
    """Of output, hidden_n, cell_n, gates and memory; of what a cell has not, and of what is not kept, nothing."""
    directions, hidden_size = len(weights) // 4, weights[1].shape[1]
    state = (directions, rows, hidden_size)
    kept = hidden_size if keep and cell != "rnn" else 0
    return (
        (tokens, directions * hidden_size),
        state,
        state if cell == "lstm" else (0,),
        (directions, tokens, GATES[cell] * kept),
        (directions, tokens, kept),
    )


def _call(library, cell, input, batch_sizes, weights, hidden0, cell0, bfloat16):
    call = _Recurrence()
    # Pairs of numbers: of an odd hidden size, gates would begin in the middle of one.
    call.pairs = bfloat16 and library.bfloat16 and weights[1].shape[1] % 2 == 0
    call.cell, call.directions, call.hidden_size = GATES[cell], len(weights) // 4, weights[1].shape[1]
    call.tokens, call.input_size = input.shape
    call.steps = batch_sizes.numel()
    call.rows = int(batch_sizes[0]) if call.steps else 0
    products = call.tokens * call.directions * call.cell * call.hidden_size * (call.input_size + call.hidden_size)
    call.threads = torch.get_num_threads() if products > _SMALL else 1
    call.keep_alive = [input, batch_sizes.contiguous(), *weights]
    call.batch_sizes = call.keep_alive[1].data_ptr()
    call.input = input.data_ptr()
    for direction in range(call.directions):
        for name, weight in zip(_WEIGHTS, weights[4 * direction : 4 * direction + 4], strict=True):
            getattr(call, name)[direction] = weight.data_ptr()
    _set(
        call,
        hidden0=None if hidden0 is None else hidden0.contiguous(),
        cell0=None if cell0 is None else cell0.contiguous(),
    )
    return call


def _set(call: _Recurrence, **tensors: Tensor | None) -> None:
    for name, tensor in tensors.items():
        if tensor is not None and tensor.numel():
            setattr(call, name, tensor.data_ptr())
            call.keep_alive.append(tensor)


_scratch = threading.local()


def _run(library: KernelLibrary, call: _Recurrence, backward: bool) -> None:
    size = library.functions.hfseq_scratch_size(ctypes.byref(call), backward)
    # Kept from call to call: fresh memory would cost a page fault every 4 KiB.
    memory = getattr(_scratch, "memory", None)
    if memory is None or memory.numel() < size:
        _scratch.memory = memory = torch.empty(size, dtype=torch.uint8)
    call.scratch = memory.data_ptr()
    run = library.functions.hfseq_backward if backward else library.functions.hfseq_forward
    run(ctypes.byref(call))


_packed: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
_constant = threading.local()


@contextlib.contextmanager
def constant_weights() -> Iterator[None]:
    """Declares that this thread changes no weights for as long as the context lasts.

    A layer then looks for changes at its first call only. Meant for loops that call a layer for each single token,
    such as generation, where the digest of the weights would take as long as the token.
    """
    before = getattr(_constant, "packed", None)
    _constant.packed = {} if before is None else before
    try:
        yield
    finally:
        _constant.packed = before


def _packed_weights(library: KernelLibrary, call: _Recurrence, weights: Sequence[Tensor]) -> Tensor | None:
    """The weights as the forward pass reads them, packed once for as long as their numbers stay the same.

    A tensor's version does not count changes by torch's fused optimizers, nor those of `weight.data`. So the packed
    weights are found by a digest of all numbers, which takes one pass over the weights.
    """
    if not all(isinstance(weight, torch.nn.Parameter) for weight in weights):
        return None  # made for this call: they will not be read a second time
    constant = getattr(_constant, "packed", None)
    key = (library.build, call.pairs, *map(id, weights))
    if constant is not None and key in constant:
        return constant[key][0]
    digest = library.functions.hfseq_weights_digest(ctypes.byref(call), torch.get_num_threads())
    known = _packed.get(weights[0])
    if known is None or known[0] != (library.build, digest):
        packed = torch.empty(library.functions.hfseq_packed_size(ctypes.byref(call)), dtype=torch.uint8)
        library.functions.hfseq_pack_weights(ctypes.byref(call), packed.data_ptr())
        known = _packed[weights[0]] = ((library.build, digest), packed)
    if constant is not None:
        constant[key] = (known[1], weights)  # kept alive: another tensor must not get the id of one of them
    return known[1]


def _fake_forward(cell, input, batch_sizes, hidden0, cell0, keep, bfloat16, *weights):
    weights = tuple(weight for weight in weights if weight is not None)
    # Without a state, the number of rows is known from what stands in the batch sizes alone.
    rows = torch.library.get_ctx().new_dynamic_size() if hidden0 is None else hidden0.shape[1]
    return tuple(input.new_empty(shape) for shape in _shapes(cell, input.shape[0], rows, weights, keep))


def _fake_backward(
    cell, input, batch_sizes, weights, hidden0, cell0, output, gates, memory, grad_output, grad_hidden_n,
    grad_cell_n, wanted, bfloat16,
):  # fmt: skip
    states = [hidden0 if hidden0 is not None else input, cell0 if cell0 is not None else input]
    return [
        tensor.new_empty(tensor.shape) for tensor, want in zip([input, *states, *weights], wanted, strict=True) if want
    ]


class _RecurrentLayer(torch.autograd.Function):
    """The operator under autograd. What [`torch.library.register_autograd`] would make of it takes, with so many
    arguments, as long as a short batch takes to compute."""

    @staticmethod
    def forward(ctx, cell, input, batch_sizes, hidden0, cell0, keep, bfloat16, *weights):
        with torch._C._AutoDispatchBelowAutograd():
            results = torch.ops.hfseq.recurrent_layer(
                cell, input, batch_sizes, hidden0, cell0, keep, bfloat16, *weights
            )
        outputs, _, _, gates, memory = results
        ctx.cell, ctx.bfloat16 = cell, bfloat16
        ctx.mark_non_differentiable(gates, memory)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(input, batch_sizes, hidden0, cell0, outputs, gates, memory, *weights)
        return results

    @staticmethod
    def backward(ctx, grad_output, grad_hidden_n, grad_cell_n, _gates, _memory):
        input, batch_sizes, hidden0, cell0, output, gates, memory, *weights = ctx.saved_tensors
        weights = [weight for weight in weights if weight is not None]
        # Inputs: cell, input, batch_sizes, hidden0, cell0, keep, bfloat16, weights.
        needed = ctx.needs_input_grad
        wanted = [needed[1], needed[3], needed[4], *needed[7 : 7 + len(weights)]]
        if grad_output is None:
            grad_output = torch.zeros_like(output)
        grads = iter(
            torch.ops.hfseq.recurrent_layer_backward(
                ctx.cell, input, batch_sizes, weights, hidden0, cell0, output, gates, memory, grad_output,
                grad_hidden_n, grad_cell_n, wanted, ctx.bfloat16,
            )
        )  # fmt: skip
        grad_input, grad_hidden0, grad_cell0, *grad_weights = [next(grads) if want else None for want in wanted]
        missing = [None] * (len(needed) - 7 - len(weights))
        return None, grad_input, None, grad_hidden0, grad_cell0, None, None, *grad_weights, *missing


def _second_backward(ctx, *_):
    raise RuntimeError("the compiled recurrence can be differentiated once only; torch's own modules can be twice")


# A compiled graph calls the operator as one node; there is nothing in it to compile.
_operators.impl("recurrent_layer", torch.compiler.disable(_forward), "CPU")
_operators.impl("recurrent_layer_backward", torch.compiler.disable(_backward), "CPU")
torch.library.register_fake("hfseq::recurrent_layer", _fake_forward, lib=_operators)
torch.library.register_fake("hfseq::recurrent_layer_backward", _fake_backward, lib=_operators)
_operators.impl("recurrent_layer", _RecurrentLayer.apply, "Autograd")
torch.library.register_autograd("hfseq::recurrent_layer_backward", _second_backward, lib=_operators)
