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

# Number of gates of each cell. It also identifies the cell in csrc/recurrence.h.
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
# With fewer multiplications, starting a second thread takes longer than it saves.
_MIN_PRODUCTS_FOR_THREADS = 1_000_000

_TWO = ctypes.c_void_p * 2


class _Recurrence(ctypes.Structure):
    """`recurrence` of csrc/recurrence.h, with the same fields."""

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
# The weights are separate arguments, because an autograd function cannot have lists of tensors.
_operators.define(
    "recurrent_layer(str cell, Tensor input, Tensor batch_sizes, Tensor? hidden0, Tensor? cell0, bool for_backward, "
    "bool bfloat16, Tensor weight_ih, Tensor weight_hh, Tensor bias_ih, Tensor bias_hh, "
    "Tensor? weight_ih_reverse=None, Tensor? weight_hh_reverse=None, Tensor? bias_ih_reverse=None, "
    "Tensor? bias_hh_reverse=None) -> (Tensor output, Tensor hidden_n, Tensor cell_n, Tensor gates, Tensor memory)"
)
_operators.define(
    "recurrent_layer_backward(str cell, Tensor input, Tensor batch_sizes, Tensor[] weights, Tensor? hidden0, "
    "Tensor? cell0, Tensor output, Tensor gates, Tensor memory, Tensor grad_output, Tensor? grad_hidden_n, "
    "Tensor? grad_cell_n, bool[] wanted, bool bfloat16) -> Tensor[]"
)


def recurrent_layer(
    cell: str, data: Tensor, batch_sizes: Tensor, weights: Sequence[Tensor], state: tuple[Tensor, ...] | None = None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Runs one recurrent layer over packed sequences, like the packed modules of torch, in float32 on a CPU.

    Args:
        cell (`str`): `"rnn"` (tanh), `"gru"` or `"lstm"`.
        data (`torch.FloatTensor` of shape `(num_tokens, input_size)`): the tokens, time-major, the longest rows first.
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`): number of rows with a token at each step.
        weights (`Sequence[torch.Tensor]`): `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh` of each direction.
        state (`tuple[torch.Tensor, ...]` of shape `(num_directions, rows, hidden_size)` each, *optional*, defaults to
            zeros): hidden state, and cell state for an LSTM, before the first token.

    Returns:
        `tuple`: the outputs `(num_tokens, num_directions * hidden_size)` and the final state.

    Raises:
        RuntimeError: the kernels are not installed.
        ValueError: a tensor is not float32, or the shapes do not match.
    """
    given = state is not None
    tensors = (data, *weights, *(state or ()))
    for_backward = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    hidden0 = state[0] if given else None  # type: ignore[index]
    cell0 = state[1] if given and cell == "lstm" else None  # type: ignore[index]
    output, hidden_n, cell_n, _, _ = torch.ops.hfseq.recurrent_layer(
        cell, data, batch_sizes, hidden0, cell0, for_backward, multiplies_in_bfloat16(), *weights
    )
    return output, (hidden_n, cell_n) if cell == "lstm" else (hidden_n,)


def multiplies_in_bfloat16() -> bool:
    """Whether the kernel multiplies in bfloat16: under autocast to bfloat16, if the processor supports it.

    Sums, gates and states are in float32, so that long sequences do not lose precision.
    """
    wanted = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return wanted and require_library().bfloat16


def _forward(cell, input, batch_sizes, hidden0, cell0, for_backward, bfloat16, *weights):
    library = require_library()
    weights = tuple(weight.contiguous() for weight in weights if weight is not None)
    _check(cell, input, batch_sizes, weights, hidden0, cell0)
    input = input.contiguous()
    call = _call(library, cell, input, batch_sizes, weights, hidden0, cell0, bfloat16)
    new = _shapes(cell, call.tokens, call.rows, weights, for_backward)
    output, hidden_n, cell_n, gates, memory = (buffers.empty(shape) for shape in new)
    call.training = for_backward
    if for_backward:
        _packed.pop(weights[0], None)  # weights in training will change
    packed = None if for_backward else _packed_weights(library, call, weights)
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
    new = _shapes(cell, call.tokens, call.rows, weights, for_backward=True)
    _check_saved(new, output, gates, memory, grad_output, grad_hidden_n, grad_cell_n)
    grad_output = grad_output.contiguous()
    grad_hidden_n = None if grad_hidden_n is None else grad_hidden_n.contiguous()
    grad_cell_n = None if grad_cell_n is None else grad_cell_n.contiguous()
    directions = len(weights) // 4
    state = (directions, call.rows, call.hidden_size)
    shapes = [(directions, *input.shape), state, state, *(weight.shape for weight in weights)]
    # Without tokens, the kernel writes nothing.
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
        # Each direction has its own gradient.
        grads[0] = grads[0][0] if directions == 1 else grads[0][0].add_(grads[0][1])
    return [grad for grad in grads if grad is not None]


def check_batch_sizes(batch_sizes: Tensor, num_tokens: int) -> list[int]:
    """The batch sizes as a list.

    Raises:
        ValueError: they are not valid for the number of packed tokens: they must decrease and add up to it.
    """
    sizes = batch_sizes.tolist()
    if batch_sizes.dtype != torch.int64 or sum(sizes) != num_tokens or sizes != sorted(sizes, reverse=True):
        raise ValueError(
            "batch_sizes must be int64, must not increase, and must add up to the number of tokens; the dtype is "
            f"{batch_sizes.dtype}, the sum is {sum(sizes)}, and there are {num_tokens} tokens"
        )
    if sizes and sizes[-1] < 0:
        raise ValueError(f"batch_sizes must not be negative, but the last one is {sizes[-1]}")
    return sizes


def _check(cell, input, batch_sizes, weights, hidden0, cell0):
    """Checks all arguments, because the compiled code does not check its memory accesses."""
    if cell not in GATES:
        raise ValueError(f"the cell must be one of {', '.join(GATES)}, not {cell!r}")
    states = [state for state in (hidden0, cell0) if state is not None]
    dtypes = {tensor.dtype for tensor in (input, *weights, *states)}
    if dtypes != {torch.float32}:
        names = ", ".join(sorted(map(str, dtypes)))
        raise ValueError(f"the compiled recurrence computes in float32, but its arguments have the dtypes {names}")
    if input.dim() != 2 or len(weights) not in (4, 8):
        raise ValueError(
            "the compiled recurrence needs packed tokens (num_tokens, input_size) and 4 weights for each of one or "
            f"two directions; got a tensor of shape {tuple(input.shape)} and {len(weights)} weights"
        )
    size = weights[1].shape[-1]
    gates = GATES[cell] * size
    shapes = [(gates, input.shape[1]), (gates, size), (gates,), (gates,)] * (len(weights) // 4)
    found = [tuple(weight.shape) for weight in weights]
    if found != shapes:
        raise ValueError(f"the weights of this {cell} must have the shapes {shapes}, not {found}")
    sizes = check_batch_sizes(batch_sizes, len(input))
    if sizes and sizes[-1] < 1:
        raise ValueError("batch_sizes must be positive: each step has at least one token")
    shape = (len(weights) // 4, sizes[0] if sizes else 0, size)
    for state in states:
        if tuple(state.shape) != shape:
            raise ValueError(f"the initial state must have the shape {shape}, not {tuple(state.shape)}")


def _check_saved(new, output, gates, memory, grad_output, grad_hidden_n, grad_cell_n):
    """Checks the tensors that the forward pass saved, and the gradients of its results."""
    saved = (output, None, None, gates, memory)
    for shape, tensor in zip(new, saved, strict=True):
        if tensor is not None and (tuple(tensor.shape) != shape or not tensor.is_contiguous()):
            raise ValueError(
                f"the gradient of the compiled recurrence needs a tensor of shape {shape} from the forward pass, "
                f"not {tuple(tensor.shape)}: call the operator with for_backward=True"
            )
    for shape, grad in zip(new, (grad_output, grad_hidden_n, grad_cell_n), strict=False):
        if grad is not None and (tuple(grad.shape) != shape or grad.dtype != torch.float32):
            raise ValueError(
                f"a gradient must have the shape {shape} and dtype float32, not {tuple(grad.shape)} and {grad.dtype}"
            )


def _shapes(cell, tokens, rows, weights, for_backward):
    """Shapes of output, hidden_n, cell_n, gates and memory. Tensors that are not needed are empty."""
    directions, hidden_size = len(weights) // 4, weights[1].shape[1]
    state = (directions, rows, hidden_size)
    saved = hidden_size if for_backward and cell != "rnn" else 0
    return (
        (tokens, directions * hidden_size),
        state,
        state if cell == "lstm" else (0,),
        (directions, tokens, GATES[cell] * saved),
        (directions, tokens, saved),
    )


def _call(library, cell, input, batch_sizes, weights, hidden0, cell0, bfloat16):
    call = _Recurrence()
    # With an odd hidden size, a gate would begin in the middle of a pair.
    call.pairs = bfloat16 and library.bfloat16 and weights[1].shape[1] % 2 == 0
    call.cell, call.directions, call.hidden_size = GATES[cell], len(weights) // 4, weights[1].shape[1]
    call.tokens, call.input_size = input.shape
    call.steps = batch_sizes.numel()
    call.rows = int(batch_sizes[0]) if call.steps else 0
    products = call.tokens * call.directions * call.cell * call.hidden_size * (call.input_size + call.hidden_size)
    call.threads = torch.get_num_threads() if products > _MIN_PRODUCTS_FOR_THREADS else 1
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
    # Reused in the next call: new memory would cause a page fault per 4 KiB.
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
    """Context manager in which this thread does not change any weights.

    A layer then checks for changed weights only at its first call. This is for loops that call a layer for single
    tokens, such as generation, in which the digest of the weights would take as long as the token.
    """
    before = getattr(_constant, "packed", None)
    _constant.packed = {} if before is None else before
    try:
        yield
    finally:
        _constant.packed = before


def _packed_weights(library: KernelLibrary, call: _Recurrence, weights: Sequence[Tensor]) -> Tensor | None:
    """The weights in the format of the forward pass. They are packed again only if their values have changed.

    The version of a tensor does not count changes by the fused optimizers of torch, or changes of `weight.data`. So a
    digest of all values is compared, which needs one pass over the weights.
    """
    if not all(isinstance(weight, torch.nn.Parameter) for weight in weights):
        return None  # computed for this call, so they will not be used again
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
        constant[key] = (known[1], weights)  # keeps them alive, so that no other tensor gets the same id
    return known[1]


def _fake_forward(cell, input, batch_sizes, hidden0, cell0, for_backward, bfloat16, *weights):
    weights = tuple(weight for weight in weights if weight is not None)
    # Without a state, the number of rows depends on the values of the batch sizes.
    rows = torch.library.get_ctx().new_dynamic_size() if hidden0 is None else hidden0.shape[1]
    return tuple(input.new_empty(shape) for shape in _shapes(cell, input.shape[0], rows, weights, for_backward))


def _fake_backward(
    cell, input, batch_sizes, weights, hidden0, cell0, output, gates, memory, grad_output, grad_hidden_n,
    grad_cell_n, wanted, bfloat16,
):  # fmt: skip
    states = [hidden0 if hidden0 is not None else input, cell0 if cell0 is not None else input]
    return [
        tensor.new_empty(tensor.shape) for tensor, want in zip([input, *states, *weights], wanted, strict=True) if want
    ]


class _RecurrentLayer(torch.autograd.Function):
    """The operator with autograd. [`torch.library.register_autograd`] has an overhead that, with this number of
    arguments, is as long as the computation of a short batch."""

    @staticmethod
    def forward(ctx, cell, input, batch_sizes, hidden0, cell0, for_backward, bfloat16, *weights):
        with torch._C._AutoDispatchBelowAutograd():
            results = torch.ops.hfseq.recurrent_layer(
                cell, input, batch_sizes, hidden0, cell0, for_backward, bfloat16, *weights
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
        # Inputs: cell, input, batch_sizes, hidden0, cell0, for_backward, bfloat16, weights.
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
    raise RuntimeError(
        "the compiled recurrence can be differentiated only once; use the modules of torch for second derivatives"
    )


# torch.compile must treat the operator as one node of the graph.
_operators.impl("recurrent_layer", torch.compiler.disable(_forward), "CPU")
_operators.impl("recurrent_layer_backward", torch.compiler.disable(_backward), "CPU")
torch.library.register_fake("hfseq::recurrent_layer", _fake_forward, lib=_operators)
torch.library.register_fake("hfseq::recurrent_layer_backward", _fake_backward, lib=_operators)
_operators.impl("recurrent_layer", _RecurrentLayer.apply, "Autograd")
torch.library.register_autograd("hfseq::recurrent_layer_backward", _second_backward, lib=_operators)
