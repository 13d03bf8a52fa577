"""Metrics of generated texts: translations, captions, and texts that must match exactly."""

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from hfseq.errors import HfseqError, nearest
from hfseq.extras import require
from hfseq.metrics.example_sums import total_and_count
from hfseq.metrics.sums import metric_from_sums
from hfseq.metrics.texts import TextMetric, as_references, as_texts
from hfseq.registry import register_metric

References = Sequence[Sequence[str]]

# Tokenizers of sacrebleu that download no model and need no additional package.
TOKENIZERS = ("13a", "char", "intl", "none", "zh")

# BLEU options for captions, which are words separated by spaces.
_CAPTION_METRICS: dict[str, dict[str, Any]] = {
    f"bleu_{order}": {"max_ngram_order": order, "tokenize": "none", "smooth_method": "none"} for order in range(1, 5)
}

# A word, including apostrophes and hyphens inside it.
_WORD = re.compile(r"[^\W_]+(?:[-'\u2019][^\W_]+)*")


def compute_generation_metrics(predictions: Any, references: Any) -> dict[str, float]:
    """Computes all metrics of generated text: `bleu` and `chrf` (0 to 100, with sacrebleu), `exact_match` (0 to 1).

    BLEU is corpus BLEU with the defaults of sacrebleu (tokenisation 13a, case-sensitive; Papineni et al. 2002, Post
    2018). It counts n-grams of up to 4 tokens, and is left out if no reference has 4 tokens. chrF is chrF2 (Popović
    2015).

    Args:
        predictions (`list[str]`): generated texts.
        references (`list[str]` or `list[list[str]]`): one or several correct texts per prediction.

    Returns:
        `dict[str, float]`: numbers that can be written as JSON.

    Raises:
        HfseqError: a value is not a string (the message names its row), the numbers of predictions and references
            differ, or sacrebleu is not installed.
    """
    guess = as_texts(predictions, "predictions")
    truth = as_references(references, guess)
    scores = {"bleu": bleu(truth, guess), "chrf": chrf(truth, guess), "exact_match": exact_match(truth, guess)}
    return {name: value for name, value in scores.items() if value is not None}


def compute_caption_metrics(predictions: Any, references: Any) -> dict[str, float]:
    """Computes `bleu_1` to `bleu_4` (0 to 100) as in the captioning literature.

    BLEU-n is corpus BLEU with n-grams of up to n words, without smoothing, with the length of the nearest reference
    (Papineni et al. 2002; Chen et al. 2015). Texts are split at white space and punctuation into lower-case words.
    BLEU-n is left out if no reference has n words.

    Args:
        predictions (`list[str]`): generated captions.
        references (`list[str]` or `list[list[str]]`): one or several correct captions per prediction.

    Returns:
        `dict[str, float]`: numbers that can be written as JSON.

    Raises:
        HfseqError: a value is not a string (the message names its row), the numbers of predictions and references
            differ, or sacrebleu is not installed.
    """
    guess = as_texts(predictions, "predictions")
    truth = [list(map(caption_words, row)) for row in as_references(references, guess)]
    guess = [caption_words(text) for text in guess]
    scores = {name: bleu(truth, guess, **options) for name, options in _CAPTION_METRICS.items()}
    return {name: value for name, value in scores.items() if value is not None}


def compute_text_scores(metric: str, predictions: Any, references: Any) -> np.ndarray | None:
    """Computes one score per text. The mean of the scores is the corpus metric, their variance its uncertainty.

    BLEU and chrF are computed over the whole corpus, and are not the mean of scores of single texts. The scores are
    jackknife pseudo-values (Tukey 1958): n times the corpus score minus n - 1 times the score without the text. A
    small constant is added to all of them, so that their mean equals the corpus score. The scores of two models can be
    compared in pairs.

    Args:
        metric (`str`): `"bleu"`, `"chrf"` or `"exact_match"`, as in [`compute_generation_metrics`], or `"bleu_1"` to
            `"bleu_4"`, as in [`compute_caption_metrics`].
        predictions (`list[str]`): generated texts.
        references (`list[str]` or `list[list[str]]`): one or several correct texts per prediction.

    Returns:
        `np.ndarray` of shape `(texts,)`: scores in the unit of the metric; `None` if the metric is undefined, because
        all references are shorter than its longest n-gram.

    Raises:
        HfseqError: the metric is unknown; otherwise as in [`compute_generation_metrics`].
    """
    guess = as_texts(predictions, "predictions")
    truth = as_references(references, guess)
    if metric == "exact_match":
        return np.array([exact_match([row], [text]) for row, text in zip(truth, guess, strict=True)])
    counts = _text_counts(metric, guess, truth)
    if counts is None:
        return None
    total = counts.sum(0)
    whole, without = metric_from_sums(metric, total), metric_from_sums(metric, total - counts)
    return whole + (len(guess) - 1) * (without.mean() - without)


def text_sums(metrics: Sequence[str], predictions: Any, references: Any) -> dict[str, np.ndarray]:
    """The sums of each text, from which [`metric_from_sums`] computes the metrics of any set of texts.

    Args:
        metrics (`Sequence[str]`): as for [`compute_text_scores`].
        predictions (`list[str]`): generated texts.
        references (`list[str]` or `list[list[str]]`): one or several correct texts per prediction.

    Returns:
        `dict[str, np.ndarray]`: by metric, an array of shape `(texts, k)`; without metrics that are undefined.
    """
    guess = as_texts(predictions, "predictions")
    truth = as_references(references, guess)
    found: dict[str, np.ndarray] = {}
    for name in metrics:
        if name == "exact_match":
            hits = [exact_match([row], [text]) for row, text in zip(truth, guess, strict=True)]
            found[name] = total_and_count(np.array(hits))
        elif (counts := _text_counts(name, guess, truth)) is not None:
            found[name] = counts
    return found


def _text_counts(metric: str, guess: list[str], truth: list[list[str]]) -> np.ndarray | None:
    """The counts of n-grams of each text; `None` if the metric is undefined."""
    scorer = _scorer_of(metric)
    if metric in _CAPTION_METRICS:
        guess, truth = (
            [caption_words(text) for text in guess],
            [[caption_words(text) for text in row] for row in truth],
        )
    if metric != "chrf" and not _is_long_enough(truth, scorer):
        return None
    # The statistics per text that sacrebleu uses for its significance tests. It has no public function for them.
    return np.array(scorer._extract_corpus_statistics(guess, _streams(truth)))


def caption_words(text: str) -> str:
    """The words of a caption in lower case, without punctuation, separated by spaces."""
    return " ".join(_WORD.findall(text.lower()))


def bleu(references: References, predictions: Sequence[str], **options: Any) -> float | None:
    """Corpus BLEU, 0 to 100, or `None` if all references are shorter than its longest n-gram; see [`Bleu`]."""
    scorer = _bleu_scorer(**options)
    if not _is_long_enough(references, scorer):
        return None
    return float(scorer.corpus_score(list(predictions), _streams(references)).score)


def chrf(references: References, predictions: Sequence[str], **options: Any) -> float:
    """chrF2, the F-score of character n-grams, 0 to 100; see [`Chrf`]."""
    scorer = require("sacrebleu", "metrics").CHRF(**options)
    return float(scorer.corpus_score(list(predictions), _streams(references)).score)


def exact_match(references: References, predictions: Sequence[str]) -> float:
    """Share of predictions that equal one of their references, ignoring leading and trailing white space."""
    hits = sum(
        guess.strip() in {text.strip() for text in texts} for guess, texts in zip(predictions, references, strict=True)
    )
    return hits / len(predictions)


def generation_signatures(references: Any) -> dict[str, str]:
    """Signatures of sacrebleu for `bleu` and `chrf`, which should be reported with the scores (Post 2018).

    Args:
        references (`list[str]` or `list[list[str]]`): the references of the scores. The signature contains their
            number per prediction.

    Returns:
        `dict[str, str]`: for example ``{"bleu": "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0", ...}``.
    """
    rows = as_references(references, references)
    scorers = {"bleu": _bleu_scorer(), "chrf": require("sacrebleu", "metrics").CHRF()}
    for scorer in scorers.values():
        scorer.corpus_score([row[0] for row in rows], _streams(rows))
    return {name: str(scorer.get_signature()) for name, scorer in scorers.items()}


def _is_long_enough(references: References, scorer: Any) -> bool:
    """Whether any reference has at least as many tokens as the longest n-gram of BLEU."""
    return any(len(scorer.tokenizer(text).split()) >= scorer.max_ngram_order for row in references for text in row)


def _bleu_scorer(tokenize: str = "13a", max_ngram_order: int = 4, **options: Any) -> Any:
    if tokenize not in TOKENIZERS:
        raise HfseqError(f"tokenize={tokenize!r} is not known; {nearest(tokenize, TOKENIZERS)}")
    if max_ngram_order < 1:
        raise HfseqError(f"max_ngram_order must be at least 1, not {max_ngram_order}.")
    return require("sacrebleu", "metrics").BLEU(tokenize=tokenize, max_ngram_order=max_ngram_order, **options)


def _scorer_of(metric: str) -> Any:
    if metric == "chrf":
        return require("sacrebleu", "metrics").CHRF()
    options = {"bleu": {}, **_CAPTION_METRICS}
    if metric not in options:
        raise HfseqError(f"there is no text metric {metric!r}; {nearest(metric, [*options, 'chrf', 'exact_match'])}")
    return _bleu_scorer(**options[metric])


def _streams(references: References) -> list[list[str | None]]:
    # sacrebleu expects the first references of all rows, then the second ones, and None if a row has fewer.
    return [list(stream) for stream in zip_longest(*references)]


@register_metric("bleu")
class Bleu(TextMetric):
    """Corpus BLEU with sacrebleu, 0 to 100 (Papineni et al. 2002; Post 2018).

    Each prediction has one reference or a list of references. `compute` takes `tokenize` (``13a``, ``intl``, ``char``,
    ``zh`` or ``none``; defaults to ``13a``), `lowercase` (`False`), `smooth_method` (``exp``, ``floor``, ``add-k`` or
    ``none``; defaults to ``exp``) and `max_ngram_order` (4). Result: ``bleu``, left out if no reference has
    `max_ngram_order` tokens.
    """

    citation_text = "Post, M. (2018). A call for clarity in reporting BLEU scores. WMT."

    def score(
        self,
        references: References,
        predictions: Sequence[str],
        tokenize: str = "13a",
        lowercase: bool = False,
        smooth_method: str = "exp",
        max_ngram_order: int = 4,
    ) -> dict[str, Any]:
        methods = ("add-k", "exp", "floor", "none")
        if smooth_method not in methods:
            raise HfseqError(f"smooth_method={smooth_method!r} is not known; {nearest(smooth_method, methods)}")
        options = {"tokenize": tokenize, "lowercase": lowercase, "smooth_method": smooth_method}
        return {"bleu": bleu(references, predictions, max_ngram_order=max_ngram_order, **options)}


@register_metric("chrf")
class Chrf(TextMetric):
    """chrF2, the F-score of character n-grams, with sacrebleu, 0 to 100 (Popović 2015).

    Each prediction has one reference or a list of references. `compute` takes `word_order` (0; use 2 for chrF++) and
    `lowercase` (`False`). Result: ``chrf``.
    """

    citation_text = "Popović, M. (2015). chrF: character n-gram F-score for automatic MT evaluation. WMT."

    def score(
        self, references: References, predictions: Sequence[str], word_order: int = 0, lowercase: bool = False
    ) -> dict[str, Any]:
        return {"chrf": chrf(references, predictions, word_order=word_order, lowercase=lowercase)}


@register_metric("exact_match")
class ExactMatch(TextMetric):
    """Share of predictions that equal one of their references, ignoring leading and trailing white space.

    Result: ``exact_match``.
    """

    def score(self, references: References, predictions: Sequence[str]) -> dict[str, Any]:
        return {"exact_match": exact_match(references, predictions)}
