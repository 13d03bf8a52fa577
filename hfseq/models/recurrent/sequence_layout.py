"""Where the real tokens of a padded batch stand, and how to walk them without touching the padding."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence


@dataclass(frozen=True)
class SequenceLayout:
    """The real tokens of a padded batch, in the order in which a recurrence meets them.

    Made once for a batch and shared by all layers. Padding may stand on either side, or both, or in between: a row is
    read as the tokens whose mask is set, from left to right. A row without any real token takes no part.

    Attributes:
        shape (`tuple[int, int]`): batch size and padded length.
        tokens (`torch.LongTensor` of shape `(num_tokens,)`): position of each real token in the flattened batch,
            time-major, the longest rows first, as [`~torch.nn.utils.rnn.PackedSequence`] has it.
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`, on the CPU): how many rows have a token at each step.
        rows (`torch.LongTensor` of shape `(num_rows,)`): the rows that have a token, the longest first.
    """

    shape: tuple[int, int]
    tokens: Tensor
    batch_sizes: Tensor
    rows: Tensor

    @classmethod
    def from_attention_mask(cls, attention_mask: Tensor) -> "SequenceLayout":
        """Reads the layout off an attention mask of shape `(batch, length)`, nonzero at real tokens."""
        mask = attention_mask.bool()
        lengths = mask.sum(1)  # (batch,)
        sorted_lengths, order = lengths.sort(descending=True, stable=True)
        rank = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))

        row, position = mask.nonzero(as_tuple=True)  # (num_tokens,), row by row
        step = (mask.cumsum(1) - 1)[row, position]
        # The one transfer from a GPU: torch wants the batch sizes on the CPU.
        host_lengths = sorted_lengths.cpu()
        num_steps = int(host_lengths[0]) if len(host_lengths) else 0
        batch_sizes = (host_lengths.unsqueeze(0) > torch.arange(num_steps).unsqueeze(1)).sum(1)

        first_of_step = (batch_sizes.cumsum(0) - batch_sizes).to(mask.device)
        tokens = torch.empty_like(row)
        tokens[first_of_step[step] + rank[row]] = row * mask.size(1) + position
        num_rows = int(batch_sizes[0]) if num_steps else 0
        return cls((mask.size(0), mask.size(1)), tokens, batch_sizes, order[:num_rows])

    def pack(self, padded: Tensor) -> PackedSequence:
        """Gathers the real tokens of a `(batch, length, size)` tensor."""
        return PackedSequence(padded.flatten(0, 1).index_select(0, self.tokens), self.batch_sizes)

    def unpack(self, packed: PackedSequence) -> Tensor:
        """Puts packed tokens back into a `(batch, length, size)` tensor that is zero at the padding."""
        batch, length = self.shape
        flat = packed.data.new_zeros(batch * length, packed.data.size(-1))
        return flat.index_copy(0, self.tokens, packed.data).view(batch, length, packed.data.size(-1))

    def token_rows(self) -> Tensor:
        """The row of the batch that each packed token belongs to, of shape `(num_tokens,)`."""
        return self.tokens // max(self.shape[1], 1)
