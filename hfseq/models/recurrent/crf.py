"""A linear-chain conditional random field over the tagged positions of a batch."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import initialization as init

from .sequence_layout import SequenceLayout
from .tag_schemes import forbidden_transitions

# Added to the score of a forbidden transition: exp of it is 0 in float32, and sums over a sequence stay finite.
FORBIDDEN = -1e4
UNTAGGED = -100


class LinearChainCRF(nn.Module):
    """Scores whole sequences of tags, from a score of each tag at each position and a score of each transition.

    Lafferty et al. (2001), "Conditional Random Fields"; with a recurrent model, Lample et al. (2016), "Neural
    Architectures for Named Entity Recognition". Positions outside the mask are skipped: the tags before and after them
    are neighbours. All weights are initially zero. The CRF is then a softmax at each position.

    Constraints apply in training and in decoding, which is better than in decoding only (Wei et al. 2021, "Masked
    Conditional Random Fields for Sequence Labeling"). They do not apply to a row whose own tags violate the scheme,
    such as the second half of a sentence that was cut within an entity, because its probability would be zero.

    Args:
        tags (`Sequence[str]`): names of the tags.
        constraints (`str`, *optional*): the scheme whose rules are enforced: `"bio"` or `"bioes"`.

    Raises:
        ValueError: the tags are not in the scheme.
    """

    def __init__(self, tags: Sequence[str], constraints: str | None = None):
        super().__init__()
        self.tags, self.constraints = tuple(tags), constraints
        size = len(self.tags)
        self.transitions = nn.Parameter(torch.empty(size, size))
        self.start = nn.Parameter(torch.empty(size))
        self.end = nn.Parameter(torch.empty(size))
        if constraints is not None:
            for name, forbidden in zip(("between", "begin", "finish"), self._forbidden(), strict=True):
                self.register_buffer(f"forbidden_{name}", torch.empty(forbidden.shape), persistent=False)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Initialises the weights, and the buffers with the constraints, which are not saved."""
        for parameter in self.parameters():
            init.zeros_(parameter)
        if self.constraints is not None:
            for buffer, forbidden in zip(self.buffers(), self._forbidden(), strict=True):
                init.copy_(buffer, forbidden.to(buffer.dtype))

    def forward(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Negative log-likelihood of the tags of each row.

        Args:
            emissions (`torch.Tensor` of shape `(batch, length, num_tags)`): the score of each tag at each position.
            tags (`torch.LongTensor` of shape `(batch, length)`): the tags; any values outside the mask.
            mask (`torch.Tensor` of shape `(batch, length)`): nonzero at positions with a tag.

        Returns:
            `torch.Tensor` of shape `(batch,)`: 0 for a row without tags.
        """
        emissions, layout = self._pack(emissions, mask)
        losses = emissions.new_zeros(layout.shape[0])
        if layout.num_tokens == 0:
            # All weights are part of the graph, as DistributedDataParallel requires.
            return losses + 0 * sum(weight.sum() for weight in (emissions, *self.parameters()))
        scores, legal = self._score(emissions, layout.pack(tags), layout)
        nll = self._log_partition(emissions, layout, legal) - scores  # (num_rows,)
        return losses.index_copy(0, layout.rows, nll)

    @torch.no_grad()
    def decode(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """The most probable tags of each row (Viterbi 1967).

        Args:
            emissions (`torch.Tensor` of shape `(batch, length, num_tags)`): the score of each tag at each position.
            mask (`torch.Tensor` of shape `(batch, length)`): nonzero at the positions to be tagged.

        Returns:
            `torch.LongTensor` of shape `(batch, length)`: indices of tags, -100 outside the mask.
        """
        emissions, layout = self._pack(emissions, mask)
        found = torch.full(layout.shape, UNTAGGED, dtype=torch.long, device=emissions.device)
        if layout.num_tokens == 0:
            return found
        best = self._best_path(emissions, layout)  # (num_tokens,)
        return found.flatten().index_copy(0, layout.tokens, best).view(layout.shape)

    def _forbidden(self) -> tuple[Tensor, Tensor, Tensor]:
        return forbidden_transitions(self.tags, self.constraints or "bio")

    def _pack(self, emissions: Tensor, mask: Tensor) -> tuple[Tensor, SequenceLayout]:
        layout = SequenceLayout.from_mask(mask, (mask.size(0), mask.size(1)), emissions.device)
        # Half precision is too low for sums over a sequence.
        return layout.pack(emissions).to(torch.promote_types(emissions.dtype, torch.float32)), layout

    def _weights(self, legal: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Scores of transitions `(rows or 1, tag, next tag)`, and of first and last tags `(rows or 1, tag)`.

        Constraints apply to the rows with a nonzero value of `legal`. By default they apply to all rows.
        """
        weights = self.transitions.unsqueeze(0), self.start.unsqueeze(0), self.end.unsqueeze(0)
        if self.constraints is None:
            return weights
        switch = torch.full_like(self.start[:1], FORBIDDEN) if legal is None else legal * FORBIDDEN
        between, start, end = (
            weight + switch.view(-1, *[1] * buffer.dim()) * buffer
            for weight, buffer in zip(weights, self.buffers(), strict=True)
        )
        return between, start, end

    def _score(self, emissions: Tensor, tags: Tensor, layout: SequenceLayout) -> tuple[Tensor, Tensor | None]:
        """The score of the tags of each row, `(num_rows,)`; and 1 if they satisfy the constraints, otherwise 0."""
        num_rows, rows = len(layout.rows), layout.token_rows()
        before, after = tags[layout.predecessors()], tags[num_rows:]
        first_of_step = (layout.batch_sizes.cumsum(0) - layout.batch_sizes).to(tags.device)
        last = first_of_step[layout.lengths[layout.rows] - 1] + torch.arange(num_rows, device=tags.device)

        def along_path(between: Tensor, start: Tensor, end: Tensor) -> Tensor:
            ends = (start[tags[:num_rows]] + end[tags[last]]).to(emissions.dtype)  # (num_rows,)
            total = emissions.new_zeros(layout.shape[0]).index_copy(0, layout.rows, ends)
            return total.index_add(0, rows[num_rows:], between[before, after].to(emissions.dtype))

        scores = along_path(self.transitions, self.start, self.end)  # (batch,)
        scores = scores.index_add(0, rows, emissions.gather(1, tags.unsqueeze(1)).squeeze(1))[layout.rows]
        if self.constraints is None:
            return scores, None
        return scores, along_path(*self.buffers())[layout.rows].eq(0).to(emissions.dtype)

    def _log_partition(self, emissions: Tensor, layout: SequenceLayout, legal: Tensor | None) -> Tensor:
        """Log of the sum over all tag sequences of each row, by the forward algorithm."""
        between, start, end = self._weights(legal)
        sizes = layout.batch_sizes.tolist()
        steps = emissions.split(sizes)
        alpha = start + steps[0]  # (rows, tags)
        ended = []
        for size, step in zip(sizes[1:], steps[1:], strict=True):
            # The longest rows come first, so the last rows have ended.
            ended.append(alpha[size:])
            alpha = torch.logsumexp(alpha[:size].unsqueeze(2) + between[:size], 1) + step
        alpha = torch.cat([alpha, *reversed(ended)])
        return torch.logsumexp(alpha + end, 1)

    def _best_path(self, emissions: Tensor, layout: SequenceLayout) -> Tensor:
        between, start, end = self._weights()
        sizes = layout.batch_sizes.tolist()
        steps = emissions.split(sizes)
        best = start + steps[0]  # (rows, tags)
        ended, pointers = [], []
        for size, step in zip(sizes[1:], steps[1:], strict=True):
            ended.append(best[size:])
            scores, pointer = (best[:size].unsqueeze(2) + between).max(1)
            pointers.append(pointer)
            best = scores + step
        last = (torch.cat([best, *reversed(ended)]) + end).argmax(1)  # (rows,)
        path = [last[: sizes[-1]]]
        for size, longer, pointer in zip(sizes[:0:-1], sizes[-2::-1], reversed(pointers), strict=True):
            previous = pointer.gather(1, path[-1].unsqueeze(1)).squeeze(1)
            path.append(torch.cat([previous, last[size:longer]]))
        return torch.cat(path[::-1])
