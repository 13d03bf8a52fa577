"""Metrics of generated texts: translations, captions, and texts that must be right to the letter."""

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from hfseq.errors import HfseqError, nearest
from hfseq.extras import require
from hfseq.metrics.texts import TextMetric, as_references, as_texts

References = Sequence[Sequence[str]]

# Those of sacrebleu's that fetch no model and need no further package.
TOKENIZERS = ("13a", "char", "intl", "none", "zh")

# The BLEU of captions, which come as words with a space between them.
_CAPTION_METRICS: dict[str, dict[str, Any]] = {
    f"bleu_{order}": {"max_ngram_order": order, "tokenize": "none", "smooth_method": "none"} for order in range(1, 5)
}

# A word with the apostrophes and hyphens inside it.
_WORD = re.compile(r"[^\W_]+(?:[-'\u2019][^\W_]+)*")


def compute_generation_metrics(predictions: Any, references: Any) -> dict[str, float]:
    """Every metric of generated text: `bleu`, `chrf` (both 0 to 100, through sacrebleu) and `exact_match` (0 to 1).

    BLEU is that of the corpus, by sacrebleu's defaults (tokenisation 13a, mixed case; Papineni et al. 2002, Post
    2018). It is left out where no reference has four tokens, since it counts up to four in a row. chrF is chrF2
    (Popović 2015).

    Args:
        predictions (`list[str]`): the generated texts.
        references (`list[str]` or `list[list[str]]`): what is right, one text for each prediction or several.

    Returns:
        `dict[str, float]`: plain numbers, ready for JSON.

    Raises:
        HfseqError: where something is not a string or the numbers do not agree, naming the row; or where sacrebleu is
            not installed.
    """
    guess = as_texts(predictions, "predictions")
    truth = as_references(references, guess)
    scores = {"bleu": bleu(truth, guess), "chrf": chrf(truth, guess), "exact_match": exact_match(truth, guess)}
    return {name: value for name, value in scores.items() if value is not None}


def compute_caption_metrics(predictions: Any, references: Any) -> dict[str, float]:
    """`bleu_1` to `bleu_4` (0 to 100), as the captioning literature reports them.

    Corpus BLEU with words of up to n in a row, no smoothing, the length of the nearest reference, and words in lower
    case without punctuation (Papineni et al. 2002; Chen et al. 2015). Text counts as words where white space or
    punctuation parts it. A BLEU-n is left out where no reference has n words.

    Args:
        predictions (`list[str]`): the generated captions.
        references (`list[str]` or `list[list[str]]`): one caption for each prediction or several.

    Returns:
        `dict[str, float]`: plain numbers, ready for JSON.

    Raises:
        HfseqError: where something is not a string or the numbers do not agree, naming the row; or where sacrebleu is
            not installed.
    """
    guess = as_texts(predictions, "predictions")
    truth = [list(map(caption_words, row)) for row in as_references(references, guess)]
    guess = [caption_words(text) for text in guess]
    scores = {name: bleu(truth, guess, **options) for name, options in _CAPTION_METRICS.items()}
    return {name: value for name, value in scores.items() if value is not None}


def compute_text_scores(metric: str, predictions: Any, references: Any) -> np.ndarray | None:
    """Numbers, one a text, whose mean is a corpus metric of the texts and whose variance tells how sure that is.

    BLEU and chrF count over the whole corpus, and no text has a score that they are the mean of. These are the
    jackknife's pseudo-values (Tukey 1958): n times the corpus score less n - 1 times the score without the text, all
    moved by the little that makes their mean the corpus score itself. Two systems' numbers can be compared in pairs.

    Args:
        metric (`str`): `"bleu"`, `"chrf"` or `"exact_match"`, as in [`compute_generation_metrics`]; or `"bleu_1"` to
            `"bleu_4"`, as in [`compute_caption_metrics`].
        predictions (`list[str]`): the generated texts.
        references (`list[str]` or `list[list[str]]`): what is right, one text for each prediction or several.

    Returns:
        `np.ndarray` of shape `(texts,)`: on the metric's own scale; or `None` where the metric is undefined, since no
        reference is as long as what it counts.

    Raises:
        HfseqError: where there is no such metric; else as [`compute_generation_metrics`].
    """
    guess = as_texts(predictions, "predictions")
    truth = as_references(references, guess)
    if metric == "exact_match":
        return np.array([exact_match([row], [text]) for row, text in zip(truth, guess, strict=True)])
    scorer = _scorer_of(metric)
    if metric in _CAPTION_METRICS:
        guess, truth = (
            [caption_words(text) for text in guess],
            [[caption_words(text) for text in row] for row in truth],
        )
    if metric != "chrf" and not _is_long_enough(truth, scorer):
        return None
    # What sacrebleu resamples in its own tests of significance; its public functions give nothing by text.
    counts = np.array(scorer._extract_corpus_statistics(guess, _streams(truth)))
    whole = scorer._compute_score_from_stats(counts.sum(0).tolist()).score
    without = np.array([scorer._compute_score_from_stats(row.tolist()).score for row in counts.sum(0) - counts])
    return whole + (len(guess) - 1) * (without.mean() - without)


def caption_words(text: str) -> str:
    """The words of a caption, in lower case and without punctuation, with a space between them."""
    return " ".join(_WORD.findall(text.lower()))


def bleu(references: References, predictions: Sequence[str], **options: Any) -> float | None:
    """Corpus BLEU, 0 to 100, or `None` where no reference is as long as what it counts; see [`Bleu`]."""
    scorer = _bleu_scorer(**options)
    if not _is_long_enough(references, scorer):
        return None
    return float(scorer.corpus_score(list(predictions), _streams(references)).score)


def chrf(references: References, predictions: Sequence[str], **options: Any) -> float:
    """chrF2, the F-score of character n-grams, 0 to 100; see [`Chrf`]."""
    scorer = require("sacrebleu", "metrics").CHRF(**options)
    return float(scorer.corpus_score(list(predictions), _streams(references)).score)


def exact_match(references: References, predictions: Sequence[str]) -> float:
    """The share of predictions that equal one of their references, white space around them aside."""
    hits = sum(
        guess.strip() in {text.strip() for text in texts} for guess, texts in zip(predictions, references, strict=True)
    )
    return hits / len(predictions)


def generation_signatures(references: Any) -> dict[str, str]:
    """sacrebleu's signatures of the `bleu` and `chrf` above, to be reported with the scores (Post 2018).

    Args:
        references (`list[str]` or `list[list[str]]`): those that were scored against; the signature tells how many
            each prediction has.

    Returns:
        `dict[str, str]`: for example ``{"bleu": "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0", ...}``.
    """
    rows = as_references(references, references)
    scorers = {"bleu": _bleu_scorer(), "chrf": require("sacrebleu", "metrics").CHRF()}
    for scorer in scorers.values():
        scorer.corpus_score([row[0] for row in rows], _streams(rows))
    return {name: str(scorer.get_signature()) for name, scorer in scorers.items()}


def _is_long_enough(references: References, scorer: Any) -> bool:
    """Whether any reference has as many tokens as a BLEU counts in a row."""
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
        raise HfseqError(
            f"there is no metric {metric!r} of texts; {nearest(metric, [*options, 'chrf', 'exact_match'])}"
        )
    return _bleu_scorer(**options[metric])


def _streams(references: References) -> list[list[str | None]]:
    # sacrebleu wants the first references of all rows, then the second ones, with None where a row has no more.
    return [list(stream) for stream in zip_longest(*references)]


class Bleu(TextMetric):
    """Corpus BLEU through sacrebleu, 0 to 100 (Papineni et al. 2002; Post 2018).

    Takes one reference a prediction or a list of them. `compute` takes `tokenize` (``13a``; or ``intl``, ``char``,
    ``zh``, ``none``), `lowercase` (`False`), `smooth_method` (``exp``; or ``floor``, ``add-k``, ``none``) and
    `max_ngram_order` (4). Result: ``bleu``, left out where no reference is as long as `max_ngram_order` tokens.
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


class Chrf(TextMetric):
    """The F-score of character n-grams through sacrebleu, chrF2, 0 to 100 (Popović 2015).

    Takes one reference a prediction or a list of them. `compute` takes `word_order` (0; 2 gives chrF++) and
    `lowercase` (`False`). Result: ``chrf``.
    """

    citation_text = "Popović, M. (2015). chrF: character n-gram F-score for automatic MT evaluation. WMT."

    def score(
        self, references: References, predictions: Sequence[str], word_order: int = 0, lowercase: bool = False
    ) -> dict[str, Any]:
        return {"chrf": chrf(references, predictions, word_order=word_order, lowercase=lowercase)}


class ExactMatch(TextMetric):
    """The share of predictions that equal their reference, or one of them, white space around them aside.

    Result: ``exact_match``.
    """

    def score(self, references: References, predictions: Sequence[str]) -> dict[str, Any]:
        return {"exact_match": exact_match(references, predictions)}
