import math

import pytest
import torch
from test_ctc import all_labellings

from hfseq.models.recurrent.ctc_decoding import ctc_beam_search, ctc_decode, ctc_greedy_decode


def log_probs_of(frames, vocabulary, seed, scale=1.0):
    logits = scale * torch.randn(frames, vocabulary, generator=torch.Generator().manual_seed(seed))
    return logits.log_softmax(-1)


def peaks(symbols, vocabulary=4):
    """Logits for a path."""
    return 9.0 * torch.nn.functional.one_hot(torch.tensor(symbols), vocabulary)


@pytest.mark.parametrize(
    ("path", "blank", "labels"),
    [
        ([1, 1, 0, 1, 2, 2, 0], 0, [1, 1, 2]),
        ([0, 0, 0], 0, []),
        ([0, 3, 3, 0, 2, 3, 0], 3, [0, 0, 2, 0]),
        ([2], 0, [2]),
    ],
)
def test_repetitions_are_merged_before_blanks_are_dropped(path, blank, labels):
    logits = peaks(path)[None]
    for beam_size in (1, 8):
        assert ctc_decode(logits, blank=blank, beam_size=beam_size) == [labels]


def test_decoding_ignores_frames_outside_the_mask():
    logits = peaks([1, 2, 1, 3, 0, 3]).repeat(3, 1, 1)
    mask = torch.tensor([[1, 0, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0]])
    assert ctc_greedy_decode(logits, mask) == ctc_decode(logits, mask, beam_size=3) == [[1], [3, 3], []]


@pytest.mark.parametrize(("frames", "vocabulary", "blank"), [(1, 3, 0), (4, 3, 1), (6, 3, 2), (5, 4, 0)])
def test_wide_beam_is_exact(frames, vocabulary, blank):
    """The probability of each labelling equals the sum over all its alignments."""
    for seed in range(3):
        log_probs = log_probs_of(frames, vocabulary, seed)
        expected = all_labellings(log_probs, blank)
        found = ctc_beam_search(log_probs, blank, beam_size=len(expected), min_log_prob=-math.inf)
        assert {tuple(labels): score for labels, score in found} == pytest.approx(expected, abs=1e-6)
        scores = [score for _, score in found]
        assert scores == sorted(scores, reverse=True)
        assert tuple(found[0][0]) == max(expected, key=expected.__getitem__)


def test_beam_search_is_better_than_the_best_path():
    # Graves (2012), figure 7.5: the best path is two blanks, but the three alignments of "a" are more probable.
    log_probs = torch.tensor([[0.6, 0.4], [0.6, 0.4]]).log()
    assert ctc_greedy_decode(log_probs[None]) == [[]]
    (best, score), *_ = ctc_beam_search(log_probs, beam_size=2)
    assert best == [1] and math.exp(score) == pytest.approx(0.64)
    assert ctc_decode(log_probs[None], beam_size=2) == [[1]]


def test_narrow_beam_returns_the_best_labellings():
    log_probs = log_probs_of(12, 5, seed=0, scale=3)
    wide, narrow = (ctc_beam_search(log_probs, beam_size=size) for size in (400, 6))
    assert len(narrow) == 6
    assert narrow[0][0] == wide[0][0]
    assert narrow[0][1] <= wide[0][1] + 1e-9
    assert narrow == ctc_beam_search(log_probs, beam_size=6)


def test_improbable_symbols_are_skipped():
    log_probs = torch.tensor([[0.5, 0.3, 0.2]]).log()
    assert [labels for labels, _ in ctc_beam_search(log_probs)] == [[], [1], [2]]
    assert [labels for labels, _ in ctc_beam_search(log_probs, min_log_prob=math.log(0.25))] == [[], [1]]
    # The blank is never skipped, because prefixes continue with it.
    assert [labels for labels, _ in ctc_beam_search(log_probs, min_log_prob=0.0)] == [[]]


def test_decoding_handles_no_frames_and_rejects_an_invalid_beam():
    assert ctc_beam_search(torch.empty(0, 3)) == [([], 0.0)]
    with pytest.raises(ValueError, match="beam_size must be at least 1, not 0"):
        ctc_decode(torch.zeros(1, 2, 3), beam_size=0)
