"""AdamW that updates the rows of an embedding when a batch reads them. The results are the same."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers.utils import logging

from hfseq.errors import HfseqError
from hfseq.kernels.lazy_adamw import LazyRows

logger = logging.get_logger(__name__)


class LazyAdamW(torch.optim.AdamW):
    """[`~torch.optim.AdamW`] for models with large embeddings and batches that touch few of their rows.

    A row of a lazy embedding is updated when its module reads it: it then makes up for the steps that it missed.
    [`flush`] updates all rows. The model therefore computes the same as under AdamW. The state is that of AdamW: each
    optimiser can continue from a checkpoint of the other.

    While hooks are attached, lazy embeddings have sparse, coalesced gradients; see [`DenseGradients`] for clipping.
    Read their weights through their module, or after [`flush`]; `state_dict` and `load_state_dict` of the model flush
    by themselves. After `weight.data = other` the new values are trained with the moments of the old ones, as under
    AdamW.

    Args:
        params: as AdamW's.
        lazy (`Iterable[nn.Embedding]`): embeddings, in float32 on the CPU, whose weights are among `params`.
        kwargs: as AdamW's; `fused` is true by default.

    Raises:
        ValueError: where an embedding is not among `params`, or on amsgrad or maximize.
        RuntimeError: where the kernels are not installed.
    """

    def __init__(self, params: Any, *, lazy: Iterable[nn.Embedding], **kwargs: Any):
        kwargs.setdefault("fused", True)
        super().__init__(params, **kwargs)
        # A scaler of gradients must leave out a step with an overflow itself, rather than hand it over to this one.
        self._step_supports_amp_scaling = False
        self._embeddings = [_LazyEmbedding(module, self._group_of(module)) for module in lazy]
        self._check_groups()
        self.attach()

    def _group_of(self, module: nn.Embedding) -> int:
        for number, group in enumerate(self.param_groups):
            if any(parameter is module.weight for parameter in group["params"]):
                return number
        raise ValueError(f"the weight of {module} is not among the parameters to optimise")

    def _check_groups(self) -> None:
        for number in {embedding.group for embedding in self._embeddings}:
            for name in ("amsgrad", "maximize"):
                if self.param_groups[number][name]:
                    raise ValueError(f"lazy embeddings cannot be optimised with {name}")

    def attach(self) -> None:
        """Makes the embeddings lazy, as at the beginning."""
        for embedding in self._embeddings:
            embedding.attach()

    def detach(self) -> None:
        """Updates all rows and removes the hooks from the embeddings, for example to copy the model."""
        for embedding in self._embeddings:
            embedding.detach()

    def flush(self) -> None:
        """Updates all rows."""
        for embedding in self._embeddings:
            embedding.flush()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """As AdamW's.

        Raises:
            HfseqError: if a lazy embedding's weight was read past its module, or written in place, while rows of it
                were out of date; or if the module has another parameter as its weight now.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        taken = []
        for embedding in self._embeddings:
            embedding.check_parameter()
            weight = embedding.weight
            if weight.grad is not None and embedding.step(self.state[weight], self.param_groups[embedding.group]):
                taken.append((weight, weight.grad))
                weight.grad = None  # hidden from the dense optimiser
        super().step()
        for weight, grad in taken:
            weight.grad = grad
        return loss

    def state_dict(self) -> dict[str, Any]:
        """AdamW's state, with all rows up to date."""
        self.flush()
        return super().state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes a state of this optimiser or of AdamW."""
        self.flush()
        super().load_state_dict(state_dict)
        self._check_groups()
        for embedding in self._embeddings:
            embedding.rows = None


class _LazyEmbedding:
    """One embedding, with hooks that update its rows before they are read."""

    def __init__(self, module: nn.Embedding, group: int):
        self.module, self.group = module, group
        self.weight = module.weight
        self.rows: LazyRows | None = None  # from the first step on
        self._handles: list[RemovableHandle] = []

    def attach(self) -> None:
        if self._handles:
            return
        self._was_sparse, self.module.sparse = self.module.sparse, True
        self._handles = [
            self.module.register_forward_pre_hook(self._before_forward, with_kwargs=True),
            self.module.register_state_dict_pre_hook(lambda *_: self.flush()),
            self.module.register_load_state_dict_pre_hook(lambda *_: self.flush()),
            self.module.weight.register_post_accumulate_grad_hook(_coalesce),
        ]

    def detach(self) -> None:
        self.flush()
        if self._handles:
            self.module.sparse = self._was_sparse
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def flush(self) -> None:
        self._drop_replaced()
        if self.rows is not None:
            self.rows.catch_up()

    def _drop_replaced(self) -> None:
        """After `weight.data = other`: completes the moments, and the old values, which others may still hold."""
        if self.rows is None or self.rows.is_of(self.weight):
            return
        if self.rows.pending:
            logger.warning_once(
                "the weight of the input embeddings was replaced while rows of it were out of date: if the new values "
                "were computed from the old ones, call `flush()` of the optimizer, or `flush_embeddings()` of the "
                "trainer, before reading them"
            )
            self.rows.finish()
        self.rows = None

    def _before_forward(self, module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        self.check_parameter()
        self._drop_replaced()
        if self.rows is not None and self.rows.pending:
            self.rows.catch_up(args[0] if args else kwargs["input"])

    def check_parameter(self) -> None:
        """
        Raises:
            HfseqError: if the module's weight is no longer the parameter that the optimizer was given.
        """
        if self.module.weight is not self.weight:
            raise HfseqError(
                "the input embeddings have another parameter as their weight than the optimizer was given: make a new "
                "optimizer, or write the new values into the old parameter with `weight.data = values`"
            )

    def step(self, state: dict[str, Any], group: dict[str, Any]) -> bool:
        """Takes a step. Returns False if the gradient is dense: AdamW must then take the step."""
        weight = self.weight
        grad = weight.grad
        self._drop_replaced()
        if not grad.is_sparse:  # type: ignore[union-attr]
            if self.rows is not None and self.rows.pending:
                raise HfseqError(
                    "the gradient of the input embeddings is dense: the model reads their weight past the embedding "
                    "module, where rows of it were out of date; train with `lazy_embeddings` false"
                )
            return False
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
        rows = self._rows(state, group)
        state["step"] += 1
        grad = grad.coalesce()  # type: ignore[union-attr]
        indices, values = grad.indices()[0].contiguous(), grad.values().contiguous()
        rows.step(indices, values, int(state["step"]), float(group["lr"]), group["weight_decay"])
        return True

    def _rows(self, state: dict[str, Any], group: dict[str, Any]) -> LazyRows:
        betas, eps = (float(group["betas"][0]), float(group["betas"][1])), group["eps"]
        if self.rows is None or (self.rows.betas, self.rows.eps) != (betas, eps):
            self.flush()  # the steps that were missed had the old ones
            for name in ("exp_avg", "exp_avg_sq"):
                state[name] = state[name].contiguous()
            self.rows = LazyRows(self.weight, state["exp_avg"], state["exp_avg_sq"], betas, eps)
        return self.rows


def _coalesce(weight: Tensor) -> None:
    # A row that stands twice would count twice in a norm as two vectors, not as their sum.
    if weight.grad is not None and weight.grad.is_sparse:
        weight.grad = weight.grad.coalesce()


class DenseGradients:
    """A model for gradient clipping, which takes dense gradients only: a parameter with a sparse one is represented by
    the rows that are in it. Their memory is shared, so what is clipped is the gradient.

    Args:
        model (`nn.Module`): the model; its sparse gradients are coalesced, as [`LazyAdamW`] has them.
    """

    def __init__(self, model: nn.Module):
        self._model = model

    def parameters(self) -> Iterator[Tensor]:
        for parameter in self._model.parameters():
            if parameter.grad is None or not parameter.grad.is_sparse:
                yield parameter
            else:
                rows = parameter.grad.values().detach()
                stand_in = rows.detach()
                stand_in.grad = rows
                yield stand_in
