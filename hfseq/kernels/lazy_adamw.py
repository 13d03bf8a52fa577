"""AdamW over the rows of a matrix. Each row is updated before it is next read."""

import ctypes
import math

import torch
from torch import Tensor

from hfseq.errors import HfseqError
from hfseq.kernels.library import require_library

# With fewer numbers to update, starting a second thread takes longer than it saves.
_MIN_SIZE_FOR_THREADS = 8_000
# A momentum that has decayed by this factor changes a weight by less than its rounding error.
_NEGLIGIBLE = 1e-9
_POINTERS = ("weight", "exp_avg", "exp_avg_sq", "current", "rows", "grad", "history")


class _LazyAdamW(ctypes.Structure):
    """`lazy_adamw` of csrc/lazy_adamw.h, with the same fields."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("num_rows", "size", "count", "step", "horizon", "threads")),
        *((name, ctypes.c_double) for name in ("beta1", "beta2", "eps")),
        *((name, ctypes.c_void_p) for name in _POINTERS),
    ]


class LazyRows:
    """The rows of one weight under AdamW (Loshchilov and Hutter, 2019).

    [`step`] updates the rows that have a gradient. For the other rows, [`catch_up`] computes the step later: weight
    decay, and the rest of the momentum. The result is that of the dense optimizer. It does not depend on the number of
    threads.

    Args:
        weight, exp_avg, exp_avg_sq (`torch.FloatTensor` of shape `(num_rows, size)`, contiguous, on the CPU): the
            weight and its two moments. They are updated in place.
        betas (`tuple[float, float]`): as in AdamW.
        eps (`float`): as in AdamW; above 0.

    Attributes:
        pending (`int`): number of steps since all rows were last updated.

    Raises:
        RuntimeError: the kernels are not installed.
        ValueError: the kernel cannot use the tensors or the eps.
        HfseqError: in [`step`] and [`catch_up`], the weight was changed in place while steps were pending.
    """

    def __init__(self, weight: Tensor, exp_avg: Tensor, exp_avg_sq: Tensor, betas: tuple[float, float], eps: float):
        for name, tensor in (("weight", weight), ("exp_avg", exp_avg), ("exp_avg_sq", exp_avg_sq)):
            _check(name, tensor, weight.shape, torch.float32)
        if eps <= 0:
            raise ValueError(f"eps must be above 0, not {eps}: a row without a gradient would be divided by zero")
        self.weight, self.exp_avg, self.exp_avg_sq = weight.detach(), exp_avg, exp_avg_sq
        self.betas, self.eps = betas, eps
        self.pending = 0
        require_library()
        self._current = torch.zeros(weight.shape[0], dtype=torch.int64)
        # For each pending step: 1 - lr * weight_decay, lr / (1 - beta1^t), sqrt(1 - beta2^t).
        self._history = torch.empty(256, 3)
        self._version = self.weight._version

    def is_of(self, weight: Tensor) -> bool:
        """Whether this weight has the memory that is updated here. `weight.data = other` changes its memory."""
        return weight.data_ptr() == self.weight.data_ptr() and weight.shape == self.weight.shape

    def step(self, rows: Tensor, grad: Tensor, number: int, lr: float, weight_decay: float) -> None:
        """Performs one step of AdamW.

        Args:
            rows (`torch.LongTensor` of shape `(count,)`): the rows that have a gradient, without duplicates.
            grad (`torch.FloatTensor` of shape `(count, size)`): their gradients.
            number (`int`): the number of this step, starting with 1.
            lr, weight_decay (`float`): values of AdamW at this step.
        """
        self._check_not_changed()
        _check("rows", rows, rows.shape[:1], torch.int64)
        _check("grad", grad, (rows.numel(), self.weight.shape[1]), torch.float32)
        if self.pending == len(self._history):
            self._history = torch.cat((self._history, torch.empty_like(self._history)))
        beta1, beta2 = self.betas
        self._history[self.pending] = torch.tensor(
            (1 - lr * weight_decay, lr / (1 - beta1**number), math.sqrt(1 - beta2**number))
        )
        self.pending += 1
        self._run(rows, grad)

    def catch_up(self, rows: Tensor | None = None) -> None:
        """Computes the pending steps of rows.

        Args:
            rows (`torch.LongTensor` of any shape, *optional*, defaults to all): the rows. Duplicates are allowed.
        """
        if not self.pending:
            return
        self._check_not_changed()
        if rows is not None:
            self._run(rows.to(torch.int64).contiguous(), None)
            return
        self.finish()

    def finish(self) -> None:
        """Computes all pending steps. If the weight has other memory now, the old memory is updated."""
        self._run(None, None)
        self._current.zero_()
        self.pending = 0

    def _run(self, rows: Tensor | None, grad: Tensor | None) -> None:
        call = _LazyAdamW()
        call.num_rows, call.size = self.weight.shape
        call.count = call.num_rows if rows is None else rows.numel()
        call.step, call.horizon = self.pending, _horizon(*self.betas)
        call.threads = torch.get_num_threads() if call.count * call.size > _MIN_SIZE_FOR_THREADS else 1
        (call.beta1, call.beta2), call.eps = self.betas, self.eps
        tensors = (self.weight, self.exp_avg, self.exp_avg_sq, self._current, rows, grad, self._history)
        for name, tensor in zip(_POINTERS, tensors, strict=True):
            setattr(call, name, None if tensor is None else tensor.data_ptr())
        require_library().functions.hfseq_lazy_adamw(ctypes.byref(call))
        torch.autograd.graph.increment_version((self.weight, self.exp_avg, self.exp_avg_sq))
        self._version = self.weight._version

    def _check_not_changed(self) -> None:
        if self.pending and self.weight._version != self._version:
            raise HfseqError(
                "the weight of the input embeddings was changed in place while updates of some rows were pending: "
                "call `flush()` of the optimizer or `flush_embeddings()` of the trainer before that, or train with "
                "`lazy_embeddings` false"
            )


def _horizon(beta1: float, beta2: float) -> int:
    """Number of steps without a gradient after which the momentum has no effect."""
    # A step is momentum divided by root mean square, and both decay.
    ratio = beta1 / math.sqrt(beta2) if beta2 else math.inf
    if ratio == 0:
        return 1
    return math.ceil(math.log(_NEGLIGIBLE) / math.log(ratio)) if ratio < 1 else 2**62


def _check(name: str, tensor: Tensor, shape: torch.Size | tuple[int, ...], dtype: torch.dtype) -> None:
    if tensor.shape != shape or tensor.dtype != dtype or tensor.device.type != "cpu" or not tensor.is_contiguous():
        raise ValueError(
            f"{name} must be a contiguous {dtype} tensor of shape {tuple(shape)} on the CPU, not {tensor.dtype} of "
            f"shape {tuple(tensor.shape)} on {tensor.device} with strides {tensor.stride()}"
        )
