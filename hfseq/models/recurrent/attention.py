"""Attention of a recurrent decoder to a source. Padding of the source is ignored."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .configuration_encoder_decoder import RecurrentEncoderDecoderConfig

# Additive attention compares every target step with every source position in a third dimension. At most this number of
# elements of the comparison is in memory at a time. The size of a processor's caches was also the fastest choice.
_MAX_ELEMENTS = 1 << 20


@dataclass
class SourceMemory:
    """The encoded sources that a decoder attends to. They are the same at all steps.

    Attributes:
        values (`torch.Tensor` of shape `(batch, source_length, features)`): the encoder's outputs, zero at padding.
        summary (`torch.Tensor` of shape `(batch, features)`): one vector for the whole source.
        keys (`torch.Tensor` of shape `(batch, source_length, size)`, *optional*): the keys of the attention.
        mask (`torch.BoolTensor` of shape `(batch, source_length)`, *optional*): True at real positions. By
            default all positions are real.
    """

    values: Tensor
    summary: Tensor
    keys: Tensor | None = None
    mask: Tensor | None = None

    def tensors(self) -> Iterator[Tensor | None]:
        """The four tensors."""
        yield from (self.values, self.summary, self.keys, self.mask)

    def select(self, rows: Tensor) -> "SourceMemory":
        """The given rows, in the given order."""
        return SourceMemory(*(None if part is None else part.index_select(0, rows) for part in self.tensors()))  # type: ignore[arg-type]

    def first(self, count: int) -> "SourceMemory":
        """The first rows."""
        # The gradient of a slice fills a tensor as large as the whole, so no slice is taken if it is not needed.
        if count == len(self.values):
            return self
        return SourceMemory(*(None if part is None else part[:count] for part in self.tensors()))  # type: ignore[arg-type]


class MultiplicativeScores(nn.Module):
    """The general score of Luong, Pham & Manning (2015), "Effective Approaches to Attention-based Neural Machine
    Translation": the dot product of a hidden state and a linear map of the source."""

    def __init__(self, config: RecurrentEncoderDecoderConfig):
        super().__init__()
        self.key = nn.Linear(config.source_size, config.hidden_size, bias=False)

    def forward(self, hidden: Tensor, keys: Tensor) -> Tensor:
        """Hidden states `(batch, length, hidden_size)` and keys to scores `(batch, length, source_length)`."""
        return hidden @ keys.transpose(1, 2)


class AdditiveScores(nn.Module):
    """The score of Bahdanau, Cho & Bengio (2015), "Neural Machine Translation by Jointly Learning to Align and
    Translate": a tanh layer over hidden state and source, followed by a weighted sum."""

    def __init__(self, config: RecurrentEncoderDecoderConfig):
        super().__init__()
        size = config.attention_size or config.hidden_size
        self.key = nn.Linear(config.source_size, size)
        self.query = nn.Linear(config.hidden_size, size, bias=False)
        self.score = nn.Linear(size, 1, bias=False)

    def forward(self, hidden: Tensor, keys: Tensor) -> Tensor:
        """Hidden states `(batch, length, hidden_size)` and keys to scores `(batch, length, source_length)`."""
        query, weight = self.query(hidden), self.score.weight[0]
        # Autocast computes the products in half precision, but does not apply to the function below.
        return _AdditiveScores.apply(query, keys.to(query.dtype), weight.to(query.dtype))


SCORES: dict[str, type[MultiplicativeScores] | type[AdditiveScores]] = {
    "additive": AdditiveScores,
    "multiplicative": MultiplicativeScores,
}


def attend(scores: Tensor, memory: SourceMemory) -> tuple[Tensor, Tensor]:
    """The weighted mean of the source for each target step.

    Args:
        scores (`torch.Tensor` of shape `(batch, length, source_length)`): score of each source position.
        memory (`SourceMemory`): the sources. The context of a source without real positions is zero.

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
    # The comparison of all steps with all positions is many times larger than everything else in the model. It is
    # therefore computed again in the backward pass instead of being saved.
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
    """The outputs of the tanh layer, `(batch, steps, source_length, size)`, for some steps at a time."""
    count = max(1, _MAX_ELEMENTS // max(1, keys.numel()))
    for start in range(0, query.size(1), count):
        steps = slice(start, start + count)
        yield steps, (query[:, steps].unsqueeze(2) + keys.unsqueeze(1)).tanh_()
