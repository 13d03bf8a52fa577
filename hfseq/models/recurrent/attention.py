"""Attention of a recurrent decoder to a source, blind to the source's padding."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .configuration_encoder_decoder import RecurrentEncoderDecoderConfig

# Additive attention compares every target step with every source position in a space of its own: so many elements of
# that comparison are held at a time. As many as a processor's caches hold was the fastest, too.
_COMPARED_AT_ONCE = 1 << 20


@dataclass
class SourceMemory:
    """What a decoder knows of the sources, made once for all its steps.

    Attributes:
        values (`torch.Tensor` of shape `(batch, source_length, features)`): the encoder's outputs, zero at padding.
        summary (`torch.Tensor` of shape `(batch, features)`): the whole source in one vector.
        keys (`torch.Tensor` of shape `(batch, source_length, size)`, *optional*): what attention compares with.
        mask (`torch.BoolTensor` of shape `(batch, source_length)`, *optional*): which positions are real; all where
            it is not given.
    """

    values: Tensor
    summary: Tensor
    keys: Tensor | None = None
    mask: Tensor | None = None

    def tensors(self) -> Iterator[Tensor | None]:
        """The four of them."""
        yield from (self.values, self.summary, self.keys, self.mask)

    def select(self, rows: Tensor) -> "SourceMemory":
        """Those rows, in that order."""
        return SourceMemory(*(None if part is None else part.index_select(0, rows) for part in self.tensors()))  # type: ignore[arg-type]

    def first(self, count: int) -> "SourceMemory":
        """The first rows."""
        # The gradient of a slice fills a tensor as large as the whole, so that none is taken in vain.
        if count == len(self.values):
            return self
        return SourceMemory(*(None if part is None else part[:count] for part in self.tensors()))  # type: ignore[arg-type]


class MultiplicativeScores(nn.Module):
    """The general score of Luong, Pham & Manning (2015), "Effective Approaches to Attention-based Neural Machine
    Translation": the product of a hidden state and a linear map of the source."""

    def __init__(self, config: RecurrentEncoderDecoderConfig):
        super().__init__()
        self.key = nn.Linear(config.source_size, config.hidden_size, bias=False)

    def forward(self, hidden: Tensor, keys: Tensor) -> Tensor:
        """Hidden states `(batch, length, hidden_size)` and keys to scores `(batch, length, source_length)`."""
        return hidden @ keys.transpose(1, 2)


class AdditiveScores(nn.Module):
    """The score of Bahdanau, Cho & Bengio (2015), "Neural Machine Translation by Jointly Learning to Align and
    Translate": a layer of tanh over hidden state and source, and a weighted sum of it."""

    def __init__(self, config: RecurrentEncoderDecoderConfig):
        super().__init__()
        size = config.attention_size or config.hidden_size
        self.key = nn.Linear(config.source_size, size)
        self.query = nn.Linear(config.hidden_size, size, bias=False)
        self.score = nn.Linear(size, 1, bias=False)

    def forward(self, hidden: Tensor, keys: Tensor) -> Tensor:
        """Hidden states `(batch, length, hidden_size)` and keys to scores `(batch, length, source_length)`."""
        query, weight = self.query(hidden), self.score.weight[0]
        # Autocast makes the products in half a precision, and knows nothing of the function below.
        return _AdditiveScores.apply(query, keys.to(query.dtype), weight.to(query.dtype))


SCORES: dict[str, type[MultiplicativeScores] | type[AdditiveScores]] = {
    "additive": AdditiveScores,
    "multiplicative": MultiplicativeScores,
}


def attend(scores: Tensor, memory: SourceMemory) -> tuple[Tensor, Tensor]:
    """The weighted mean of the source for each target step.

    Args:
        scores (`torch.Tensor` of shape `(batch, length, source_length)`): how well each position fits.
        memory (`SourceMemory`): the sources. One without any real position gives zeros.

    Returns:
        `tuple`: the contexts `(batch, length, features)`, and the weights, in the shape of the scores.
    """
    if memory.mask is None:
        weights = scores.softmax(-1)
    else:
        real = memory.mask.unsqueeze(1)  # (batch, 1, source_length)
        weights = scores.masked_fill(~real, torch.finfo(scores.dtype).min).softmax(-1) * real
    return weights.to(memory.values.dtype) @ memory.values, weights


class _AdditiveScores(torch.autograd.Function):
    # Kept for the gradient, the comparison of all steps with all positions would be many times as large as everything
    # else in the model; so it is made again.
    @staticmethod
    def forward(ctx, query, keys, weight):
        ctx.save_for_backward(query, keys, weight)
        scores = query.new_empty(query.size(0), query.size(1), keys.size(1))
        for steps, compared in _comparisons(query, keys):
            scores[:, steps] = compared @ weight
        return scores

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        query, keys, weight = ctx.saved_tensors
        of_query, of_keys, of_weight = torch.empty_like(query), torch.zeros_like(keys), torch.zeros_like(weight)
        for steps, compared in _comparisons(query, keys):
            part = grad[:, steps]
            of_weight += part.flatten() @ compared.flatten(0, 2)
            # The derivative of tanh is 1 - tanh^2.
            slope = compared.square_().neg_().add_(1).mul_(part.unsqueeze(-1)).mul_(weight)
            of_query[:, steps] = slope.sum(2)
            of_keys += slope.sum(1)
        return of_query, of_keys, of_weight


def _comparisons(query: Tensor, keys: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """The layer of tanh `(batch, steps, source_length, size)`, for some steps at a time."""
    count = max(1, _COMPARED_AT_ONCE // max(1, keys.numel()))
    for start in range(0, query.size(1), count):
        steps = slice(start, start + count)
        yield steps, (query[:, steps].unsqueeze(2) + keys.unsqueeze(1)).tanh_()
