"""Decoding of the outputs of a CTC head: best path, or prefix beam search."""

import heapq
import math

import torch
from torch import Tensor

# Symbols of a frame with a lower log probability (6e-6) are skipped. They are rarely part of the best labelling.
MIN_LOG_PROB = -12.0


@torch.no_grad()
def ctc_greedy_decode(logits: Tensor, attention_mask: Tensor | None = None, blank: int = 0) -> list[list[int]]:
    """Best path decoding: the most probable symbol of each frame, without repetitions and blanks (Graves et al. 2006).

    Args:
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): logits or log probabilities.
        attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): nonzero at real frames, which may be
            anywhere. By default all frames are real.
        blank (`int`, *optional*, defaults to 0): the blank symbol.

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
    log_probs: Tensor, blank: int = 0, beam_size: int = 16, min_log_prob: float = MIN_LOG_PROB
) -> list[tuple[list[int], float]]:
    """The most probable labellings of one sequence, summed over their alignments.

    Prefix beam search (Graves et al. 2006, Hannun et al. 2014): after each frame, the most probable prefixes are kept,
    each with the probability of its alignments that end with the blank, and of those that do not. The result is exact
    if the beam is wide enough for all prefixes and no symbol is skipped.

    Args:
        log_probs (`torch.Tensor` of shape `(length, vocab_size)`): log probabilities of the real frames.
        blank (`int`, *optional*, defaults to 0): the blank symbol.
        beam_size (`int`, *optional*, defaults to 16): beam width: the number of prefixes that are kept.
        min_log_prob (`float`, *optional*, defaults to -12): symbols of a frame with a lower log probability are
            skipped; `-inf` skips none.

    Returns:
        `list[tuple[list[int], float]]`: at most `beam_size` labellings with their log probabilities, the best first.

    Raises:
        ValueError: `beam_size` is less than 1.
    """
    if beam_size < 1:
        raise ValueError(f"beam_size must be at least 1, not {beam_size}")
    prefixes = _Prefixes()
    # Prefix -> log probability of its alignments that end with the blank, and of those that end with its last symbol.
    beam = {prefixes.EMPTY: (0.0, -math.inf)}
    for frame in log_probs.double().cpu():
        tried = (frame >= min_log_prob).nonzero().squeeze(1).tolist()
        values = frame.tolist()
        symbols = [(symbol, values[symbol]) for symbol in tried if symbol != blank]
        beam = _best(_extend(beam, prefixes, values[blank], symbols), beam_size)
    return [(prefixes.symbols(prefix), _add(*ends)) for prefix, ends in beam.items()]


@torch.no_grad()
def ctc_decode(
    logits: Tensor, attention_mask: Tensor | None = None, blank: int = 0, beam_size: int = 1
) -> list[list[int]]:
    """The labels of each row of a batch, with [`ctc_greedy_decode`] or [`ctc_beam_search`].

    Args:
        logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): logits or log probabilities.
        attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): nonzero at real frames, which may be
            anywhere. By default all frames are real.
        blank (`int`, *optional*, defaults to 0): the blank symbol.
        beam_size (`int`, *optional*, defaults to 1): beam width; 1 is best path decoding.
    """
    if beam_size == 1:
        return ctc_greedy_decode(logits, attention_mask, blank)
    log_probs = logits.float().log_softmax(-1).cpu()
    masks = [slice(None)] * len(logits) if attention_mask is None else attention_mask.bool().cpu()
    found = (ctc_beam_search(row[mask], blank, beam_size) for row, mask in zip(log_probs, masks, strict=True))
    return [labellings[0][0] for labellings in found]


class _Prefixes:
    """Label prefixes as indices of nodes in a tree. Each node has its parent and its last symbol."""

    EMPTY = 0

    def __init__(self) -> None:
        self.parents, self.last = [-1], [-1]
        self._children: dict[tuple[int, int], int] = {}

    def child(self, prefix: int, symbol: int) -> int:
        """The prefix extended by one symbol."""
        number = self._children.setdefault((prefix, symbol), len(self.parents))
        if number == len(self.parents):
            self.parents.append(prefix)
            self.last.append(symbol)
        return number

    def symbols(self, prefix: int) -> list[int]:
        """The symbols of a prefix, in order."""
        found = []
        while prefix != self.EMPTY:
            found.append(self.last[prefix])
            prefix = self.parents[prefix]
        return found[::-1]


_Beam = dict[int, tuple[float, float]]


def _extend(beam: _Beam, prefixes: _Prefixes, blank: float, symbols: list[tuple[int, float]]) -> _Beam:
    """The possible prefixes after the next frame."""
    in_blank: dict[int, float] = {}
    in_symbol: dict[int, float] = {}
    for prefix, (ends_in_blank, ends_in_symbol) in beam.items():
        total, last = _add(ends_in_blank, ends_in_symbol), prefixes.last[prefix]
        in_blank[prefix] = total + blank
        for symbol, value in symbols:
            longer = prefixes.child(prefix, symbol)
            before = total
            if symbol == last:
                # Without a blank between them, two equal symbols are one label.
                in_symbol[prefix] = _add(in_symbol.get(prefix, -math.inf), ends_in_symbol + value)
                before = ends_in_blank
            if before > -math.inf:
                in_symbol[longer] = _add(in_symbol.get(longer, -math.inf), before + value)
    # In the order of insertion, so that the choice between equal probabilities is deterministic.
    found = dict.fromkeys((*in_blank, *in_symbol))
    return {prefix: (in_blank.get(prefix, -math.inf), in_symbol.get(prefix, -math.inf)) for prefix in found}


def _best(beam: _Beam, size: int) -> _Beam:
    return dict(heapq.nlargest(size, beam.items(), key=lambda item: _add(*item[1])))


def _add(one: float, other: float) -> float:
    """log(exp(one) + exp(other))."""
    if one < other:
        one, other = other, one
    if other == -math.inf:
        return one
    return one + math.log1p(math.exp(other - one))
