"""From the hidden states of a sequence to one vector, blind to padding."""

import torch
from torch import Tensor, nn

from .configuration_recurrent import RecurrentConfig
from .recurrent_stack import RecurrentState


class SequencePooling(nn.Module):
    """Pools `(batch, length, output_size)` to `(batch, output_size)`: last, mean, max or attention.

    Attention is the additive attention of Yang et al. (2016), "Hierarchical Attention Networks for Document
    Classification". A row without real tokens pools to zeros.
    """

    def __init__(self, config: RecurrentConfig):
        super().__init__()
        self.config = config
        if config.pooling == "attention":
            self.projection = nn.Linear(config.output_size, config.output_size)
            self.query = nn.Linear(config.output_size, 1, bias=False)

    def forward(self, hidden: Tensor, attention_mask: Tensor | None, state: RecurrentState) -> Tensor:
        """Pools each row.

        Args:
            hidden (`torch.Tensor` of shape `(batch, length, output_size)`): the last layer's outputs.
            attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): nonzero at real tokens.
            state (`RecurrentState`): the state after the last token.
        """
        if self.config.pooling == "last":
            final = state.hidden[-self.config.num_directions :]  # (directions, batch, hidden)
            return final.transpose(0, 1).flatten(1)  # (batch, output)
        if hidden.size(1) == 0:
            return hidden.new_zeros(hidden.size(0), hidden.size(2))
        mask = hidden.new_ones(hidden.shape[:2], dtype=torch.bool) if attention_mask is None else attention_mask.bool()
        mask = mask.unsqueeze(-1)  # (batch, length, 1)
        if self.config.pooling == "mean":
            return hidden.masked_fill(~mask, 0).sum(1) / mask.sum(1).clamp(min=1)
        if self.config.pooling == "max":
            lowest = torch.finfo(hidden.dtype).min
            return hidden.masked_fill(~mask, lowest).amax(1).masked_fill(~mask.any(1), 0)
        scores = self.query(torch.tanh(self.projection(hidden)))  # (batch, length, 1)
        weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(1)
        return (weights * hidden).masked_fill(~mask, 0).sum(1)
