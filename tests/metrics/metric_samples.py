"""Sample predictions and references for every metric of the registry."""

from typing import Any

from hfseq.registry import metrics

_NUMBERS = {"predictions": [0, 1, 1], "references": [0, 1, 0]}
_TEXTS = {"predictions": ["one two three four"], "references": ["one two three five"]}
_SERIES = {"predictions": [[2.0, 2.0]], "references": [[1.0, 2.0]]}

_SAMPLES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("bleu", "cer", "chrf", "exact_match", "wer"), _TEXTS),
    "mase": {**_SERIES, "history": [[1.0, 2.0, 3.0]]},
    "perplexity": {"predictions": [3.0, 4.5], "references": [2, 3]},
    "pinball": {"predictions": [[0.0, 1.0, 2.0]], "references": [0.5], "quantiles": [0.1, 0.5, 0.9]},
    "seqeval": {"predictions": [["B-A", "O"]], "references": [["B-A", "B-B"]]},
}


def sample_result(name: str, **options: Any) -> dict[str, Any]:
    """Result of a metric, created with the given options, on its sample."""
    return metrics()[name](**options).compute(**_SAMPLES.get(name, _NUMBERS))
