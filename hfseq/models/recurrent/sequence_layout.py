"""Positions of the real tokens of a padded batch, and conversion to and from packed tensors."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SequenceLayout:
    """The real tokens of a padded batch, in the order in which a recurrent layer processes them.

    Computed once per batch and used by all layers. Padding may be on either side, on both sides, or between tokens: a
    row is the sequence of tokens whose mask is set, from left to right. Rows without real tokens are left out.

    Attributes:
        shape (`tuple[int, int]`): batch size and padded length.
        tokens (`torch.LongTensor` of shape `(num_tokens,)`): position of each real token in the flattened batch,
            time-major, the longest rows first, as in [`~torch.nn.utils.rnn.PackedSequence`].
        batch_sizes (`torch.LongTensor` of shape `(num_steps,)`, on the CPU): number of rows with a token at each step.
        rows (`torch.LongTensor` of shape `(num_rows,)`): the rows that have tokens, the longest first.
        lengths (`torch.LongTensor` of shape `(batch,)`): the number of real tokens of each row.
        is_dense (`bool`): whether there is no padding; `rows` are then all rows in their original order.
    """

    shape: tuple[int, int]
    tokens: Tensor
    batch_sizes: Tensor
    rows: Tensor
    lengths: Tensor
    is_dense: bool = False

    @classmethod
    def from_mask(
        cls, attention_mask: Tensor | None, shape: tuple[int, int], device: torch.device
    ) -> "SequenceLayout":
        """The layout of a batch of shape `(batch, length)`. Without a mask, all tokens are real."""
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
        """The layout for an attention mask of shape `(batch, length)`, nonzero at real tokens."""
        mask = attention_mask.bool()
        shape, device = (mask.size(0), mask.size(1)), mask.device
        # The only transfer from a GPU: shapes depend on the number of steps and of tokens.
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
        # The step of a token is the number of real tokens before it in its row.
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
        """Copies packed tokens `(num_tokens, size)` into a `(batch, length, size)` tensor that is zero at padding."""
        batch, length = self.shape
        if self.is_dense:
            return packed.view(length, batch, packed.size(-1)).transpose(0, 1)
        flat = packed.new_zeros(batch * length, packed.size(-1))
        # In place: the scores of a large vocabulary can take hundreds of megabytes.
        return flat.index_copy_(0, self.tokens, packed).view(batch, length, packed.size(-1))

    def predecessors(self) -> Tensor:
        """Packed index of the previous token, for each token except the first of its row.

        The shape is `(num_tokens - num_rows,)`, for the packed tokens from index `num_rows` on, because the first
        tokens of all rows come first. So `packed[layout.predecessors()]` and `packed[len(layout.rows):]` are pairs of
        neighbouring tokens, regardless of padding between them.
        """
        # Rows keep their order at all steps, so the distance to the previous token is the size of its step.
        distance = self.batch_sizes[:-1].repeat_interleave(self.batch_sizes[1:])
        later = torch.arange(len(self.rows), self.num_tokens)
        return (later - distance).to(self.tokens.device)

    def token_rows(self) -> Tensor:
        """The row of the batch of each packed token, of shape `(num_tokens,)`."""
        return self.tokens // max(self.shape[1], 1)


def _nonzero(flags: Tensor, count: int) -> Tensor:
    """Indices of the `count` flags that are set. With a known count, the CPU does not wait for the GPU."""
    return torch.nonzero_static(flags, size=count).squeeze(1) if flags.is_cuda else flags.nonzero().squeeze(1)
