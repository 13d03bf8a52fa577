"""Headings, meanings and number formats of metrics."""

# Metric -> heading and meaning. If there are more metrics than columns of a table, the first ones are shown.
METRICS = {
    "accuracy": ("accuracy", "share of labels that are predicted correctly"),
    "f1": ("F1", "harmonic mean of precision and recall"),
    "f1_macro": ("macro F1", "F1 of each class, averaged over the classes"),
    "f1_micro": ("micro F1", "F1 over all labels together"),
    "bleu": ("BLEU", "n-grams shared with the reference texts, 0 to 100"),
    "chrf": ("chrF", "character n-grams shared with the reference texts, 0 to 100"),
    "bleu_4": ("BLEU-4", "n-grams of up to 4 words shared with the reference captions"),
    "bleu_3": ("BLEU-3", "n-grams of up to 3 words shared with the reference captions"),
    "bleu_2": ("BLEU-2", "n-grams of up to 2 words shared with the reference captions"),
    "bleu_1": ("BLEU-1", "words shared with the reference captions"),
    "exact_match": ("exact match", "share of outputs that equal their reference"),
    "cer": ("CER", "character error rate: edits per reference character"),
    "wer": ("WER", "word error rate: edits per reference word"),
    "bits_per_character": ("bits/character", "cross-entropy in bits per character of text"),
    "perplexity": ("perplexity", "exponential of the cross-entropy per token"),
    "nll_per_frame": ("NLL/frame", "negative log-likelihood per time step"),
    "mse": ("MSE", "mean squared error"),
    "mae": ("MAE", "mean absolute error"),
    "mase": ("MASE", "absolute error relative to the seasonal naive forecast"),
    "pinball": ("pinball", "quantile loss, averaged over the quantiles"),
    "pearson": ("pearson", "Pearson correlation with the targets"),
    "spearman": ("spearman", "Spearman rank correlation with the targets"),
    "expected_calibration_error": ("calib. error", "gap between confidence and accuracy (ECE)"),
}
# Metrics that are shares of 1.
_SHARES = ("accuracy", "hamming_accuracy", "exact_match", "cer", "wer", "expected_calibration_error", "coverage_error")
_SHARE_BEGINNINGS = ("f1", "precision", "recall")


def metric_name(metric: str) -> tuple[str, str]:
    """Heading and meaning of a metric."""
    return METRICS.get(metric, (metric.replace("_", " "), metric.replace("_", " ")))


def metric_format(metric: str) -> str:
    """Number format of a metric: `"score"` (0 to 1), `"points"` (0 to 100), or `"number"`."""
    if metric in _SHARES or metric.startswith(_SHARE_BEGINNINGS):
        return "score"
    return "points" if metric.startswith(("bleu", "chrf")) else "number"
