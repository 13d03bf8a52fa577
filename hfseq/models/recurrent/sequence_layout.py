"""Where the real tokens of a padded batch stand, and how to walk them without touching the padding."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SequenceLayout:
    """The real tokens of a padded batch, in the order in which a recurrence meets them.

    Made once for a batch and shared by everything that reads it. Padding may stand on either side, or both, or in
    between: a row is read as the tokens whose mask is set, from left to right. A row without any real token takes no
    part.

    Attributes:
        shape (`tuple[int, int]`): batch size and padded length.
        tokens (`torch.LongTensor` of shape `(num_tokens,)`): position of each real token in the flattened batch,
            time-major, the longest rows first, as [`~torch.nn.utils.rnn.PackedSequence`] has it.
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`, on the CPU): how many rows have a token at each step.
        rows (`torch.LongTensor` of shape `(num_rows,)`): the rows that have a token, the longest first.
        lengths (`torch.LongTensor` of shape `(batch,)`): the number of real tokens of each row.
        is_dense (`bool`): whether there is no padding at all; then `rows` are all rows in their order.
    """

    shape: tuple[int, int]
    tokens: Tensor
    batch_sizes: Tensor
    rows: Tensor
    lengths: Tensor
    is_dense: bool = False

    @classmethod
    def of(cls, attention_mask: Tensor | None, shape: tuple[int, int], device: torch.device) -> "SequenceLayout":
        """The layout of a batch of that shape `(batch, length)`; without a mask, all tokens are real."""
        if attention_mask is None or 0 in shape:
            return cls.dense(shape, device)
        return cls.from_attention_mask(attention_mask)

    @classmethod
    def dense(cls, shape: tuple[int, int], device: torch.device) -> "SequenceLayout":
        """The layout of a batch without padding."""
        batch, length = shape
        tokens = torch.arange(batch * length, device=device)
        if batch > 1:
            tokens = tokens.view(batch, length).t().flatten()
        batch_sizes = torch.full((length if batch else 0,), batch)
        rows = torch.arange(batch if length else 0, device=device)
        lengths = torch.full((batch,), length, device=device)
        return cls(shape, tokens, batch_sizes, rows, lengths, is_dense=len(rows) == batch)

    @classmethod
    def from_attention_mask(cls, attention_mask: Tensor) -> "SequenceLayout":
        """Reads the layout off an attention mask of shape `(batch, length)`, nonzero at real tokens."""
        mask = attention_mask.bool()
        shape, device = (mask.size(0), mask.size(1)), mask.device
        # The one transfer from a GPU: the number of steps and of tokens decides on shapes.
        lengths = mask.sum(1)  # (batch,)
        ordered = lengths.cpu()
        num_tokens = int(ordered.sum())
        if num_tokens == mask.numel():
            return cls.dense(shape, device)
        ordered, order = ordered.sort(descending=True, stable=True)
        steps = torch.arange(int(ordered[0]))
        batch_sizes = len(ordered) - torch.searchsorted(ordered.flip(0), steps, right=True)
        first_of_step = batch_sizes.cumsum(0) - batch_sizes
        rank = torch.empty_like(order).index_put_((order,), torch.arange(len(order)))
        first_of_step, rank, order = first_of_step.to(device), rank.to(device), order.to(device)

        flat = _nonzero(mask.flatten(), num_tokens)  # (num_tokens,), row by row
        # Counting the real tokens up to each gives its step, once those of the rows before are taken off.
        row = flat // shape[1]
        step = (mask.cumsum(1) - 1).flatten().index_select(0, flat)
        tokens = torch.empty_like(flat)
        tokens[first_of_step[step] + rank[row]] = flat
        num_rows = int(batch_sizes[0]) if len(batch_sizes) else 0
        return cls(shape, tokens, batch_sizes, order[:num_rows], lengths)

    @property
    def num_tokens(self) -> int:
        """The number of real tokens."""
        return len(self.tokens)

    def pack(self, padded: Tensor) -> Tensor:
        """Gathers the real tokens of a tensor `(batch, length, ...)`, to `(num_tokens, ...)`."""
        return padded.flatten(0, 1).index_select(0, self.tokens)

    def unpack(self, packed: Tensor) -> Tensor:
        """Puts packed tokens `(num_tokens, size)` back into a `(batch, length, size)` tensor, zero at the padding."""
        batch, length = self.shape
        if self.is_dense:
            return packed.view(length, batch, packed.size(-1)).transpose(0, 1)
        flat = packed.new_zeros(batch * length, packed.size(-1))
        # In place: a copy of the scores of a large vocabulary is hundreds of megabytes.
        return flat.index_copy_(0, self.tokens, packed).view(batch, length, packed.size(-1))

    def predecessors(self) -> Tensor:
        """Where the token before it stands among the packed tokens, for each but the first of its row.

        Of shape `(num_tokens - num_rows,)`, and for the packed tokens from number `num_rows` on: the first tokens of
        all rows come before any other. So `packed[layout.predecessors()]` and `packed[len(layout.rows):]` are pairs
        of neighbours, whatever padding stands between them.
        """
        # A token has the same rank at each step, and a step lies as far from the next as it has tokens.
        distance = self.batch_sizes[:-1].repeat_interleave(self.batch_sizes[1:])
        later = torch.arange(len(self.rows), self.num_tokens)
        return (later - distance).to(self.tokens.device)

    def token_rows(self) -> Tensor:
        """The row of the batch that each packed token belongs to, of shape `(num_tokens,)`."""
        return self.tokens // max(self.shape[1], 1)


def _nonzero(flags: Tensor, count: int) -> Tensor:
    """Positions of the `count` set flags; knowing how many there are saves a GPU the waiting."""
    return torch.nonzero_static(flags, size=count).squeeze(1) if flags.is_cuda else flags.nonzero().squeeze(1)
