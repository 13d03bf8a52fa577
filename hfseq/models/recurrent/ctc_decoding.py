"""From the outputs of a CTC head to labels: the best path, or the search for the best labelling."""

import heapq
import math

import torch
from torch import Tensor

# A frame's symbol below this log probability, 6e-6, is not tried: it rarely is on the best labelling's way.
PRUNED_BELOW = -12.0


@torch.no_grad()
def ctc_greedy_decode(logits: Tensor, attention_mask: Tensor | None = None, blank: int = 0) -> list[list[int]]:
    """The most probable symbol of each frame, repetitions merged, then blanks dropped (Graves et al. 2006).

    Args:
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): logits or log probabilities.
        attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): nonzero at real frames, in any
            pattern. Without it, all are real.
        blank (`int`, *optional*, defaults to 0): the symbol that stands for none.

    Returns:
        `list[list[int]]`: the labels of each row.
    """
    best = logits.argmax(-1)  # (batch, length)
    labels = []
    for row, path in enumerate(best):
        path = path if attention_mask is None else path[attention_mask[row].bool()]
        labels.append([symbol for symbol in path.unique_consecutive().tolist() if symbol != blank])
    return labels


@torch.no_grad()
def ctc_beam_search(
    log_probs: Tensor, blank: int = 0, beam_size: int = 16, pruned_below: float = PRUNED_BELOW
) -> list[tuple[list[int], float]]:
    """The labellings of one sequence that are most probable over all their alignments.

    Prefix beam search (Graves et al. 2006, Hannun et al. 2014): after each frame it keeps the most probable prefixes,
    each with the probability of its alignments that end in the blank, and of those that do not. Where the beam holds
    all prefixes and nothing is pruned, the result is exact.

    Args:
        log_probs (`torch.Tensor` of shape `(length, vocab_size)`): log probabilities of the real frames.
        blank (`int`, *optional*, defaults to 0): the symbol that stands for none.
        beam_size (`int`, *optional*, defaults to 16): how many prefixes are kept.
        pruned_below (`float`, *optional*, defaults to -12): a frame's symbols of a lower log probability are not tried
            at that frame; `-inf` tries all.

    Returns:
        `list[tuple[list[int], float]]`: at most `beam_size` labellings with their log probability, the best first.

    Raises:
        ValueError: unless `beam_size` is at least 1.
    """
    if beam_size < 1:
        raise ValueError(f"beam_size must be at least 1, not {beam_size}")
    prefixes = _Prefixes()
    # Prefix -> log probability of its alignments that end in the blank, and of those that end in its last symbol.
    beam = {prefixes.EMPTY: (0.0, -math.inf)}
    for frame in log_probs.double().cpu():
        tried = (frame >= pruned_below).nonzero().squeeze(1).tolist()
        values = frame.tolist()
        symbols = [(symbol, values[symbol]) for symbol in tried if symbol != blank]
        beam = _best(_extend(beam, prefixes, values[blank], symbols), beam_size)
    return [(prefixes.symbols(prefix), _add(*ends)) for prefix, ends in beam.items()]


@torch.no_grad()
def ctc_decode(
    logits: Tensor, attention_mask: Tensor | None = None, blank: int = 0, beam_size: int = 1
) -> list[list[int]]:
    """The labels of each row of a batch: by [`ctc_greedy_decode`], or with a beam by [`ctc_beam_search`].

    Args:
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): logits or log probabilities.
        attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): nonzero at real frames, in any
            pattern. Without it, all are real.
        blank (`int`, *optional*, defaults to 0): the symbol that stands for none.
        beam_size (`int`, *optional*, defaults to 1): how many prefixes the search keeps; 1 is the best path.
    """
    if beam_size == 1:
        return ctc_greedy_decode(logits, attention_mask, blank)
    log_probs = logits.float().log_softmax(-1).cpu()
    masks = [slice(None)] * len(logits) if attention_mask is None else attention_mask.bool().cpu()
    found = (ctc_beam_search(row[mask], blank, beam_size) for row, mask in zip(log_probs, masks, strict=True))
    return [labellings[0][0] for labellings in found]


class _Prefixes:
    """Label prefixes as numbers: a tree in which each knows its parent and its last symbol."""

    EMPTY = 0

    def __init__(self) -> None:
        self.parents, self.last = [-1], [-1]
        self._children: dict[tuple[int, int], int] = {}

    def child(self, prefix: int, symbol: int) -> int:
        """The prefix with one more symbol."""
        number = self._children.setdefault((prefix, symbol), len(self.parents))
        if number == len(self.parents):
            self.parents.append(prefix)
            self.last.append(symbol)
        return number

    def symbols(self, prefix: int) -> list[int]:
        """The symbols of a prefix, in their order."""
        found = []
        while prefix != self.EMPTY:
            found.append(self.last[prefix])
            prefix = self.parents[prefix]
        return found[::-1]


_Beam = dict[int, tuple[float, float]]


def _extend(beam: _Beam, prefixes: _Prefixes, blank: float, symbols: list[tuple[int, float]]) -> _Beam:
    """What the prefixes of a beam can be after one more frame."""
    in_blank: dict[int, float] = {}
    in_symbol: dict[int, float] = {}
    for prefix, (ends_in_blank, ends_in_symbol) in beam.items():
        total, last = _add(ends_in_blank, ends_in_symbol), prefixes.last[prefix]
        in_blank[prefix] = total + blank
        for symbol, value in symbols:
            longer = prefixes.child(prefix, symbol)
            before = total
            if symbol == last:
                # Again without a blank between, it is the same label; only after a blank is it a second one.
                in_symbol[prefix] = _add(in_symbol.get(prefix, -math.inf), ends_in_symbol + value)
                before = ends_in_blank
            if before > -math.inf:
                in_symbol[longer] = _add(in_symbol.get(longer, -math.inf), before + value)
    # In the order in which they were met, so that equal ones are cut alike each time.
    met = dict.fromkeys((*in_blank, *in_symbol))
    return {prefix: (in_blank.get(prefix, -math.inf), in_symbol.get(prefix, -math.inf)) for prefix in met}


def _best(beam: _Beam, size: int) -> _Beam:
    return dict(heapq.nlargest(size, beam.items(), key=lambda item: _add(*item[1])))


def _add(one: float, other: float) -> float:
    """The logarithm of the sum of two numbers given by their logarithms."""
    if one < other:
        one, other = other, one
    if other == -math.inf:
        return one
    return one + math.log1p(math.exp(other - one))
