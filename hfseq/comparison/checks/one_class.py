"""One prediction for all examples."""

from collections.abc import Iterable

import numpy as np

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts, at
from hfseq.comparison.run_result import RunResult
from hfseq.registry import register_check
from hfseq.training.saved_predictions import SavedPredictions

# With fewer test examples, one class for all may be right.
FEWEST_EXAMPLES = 10
# Predictions of numbers that vary less than this share of what the labels vary are constant for practical purposes.
CONSTANT_SHARE = 0.01


@register_check
class OneClass(Check):
    """HFS002."""

    code = "HFS002"
    severity = "error"
    title = "The same prediction for all examples"
    cause = (
        "A model predicts the same class for every test example, finds no span in any sentence, or predicts the same "
        "number for all. It has learned the frequencies of the labels, and nothing about the inputs. Its accuracy may "
        "still look good if one class is common."
    )
    cure = (
        "Train longer, or with another `--learning_rate` (a tenth and ten times). If one class is common, try "
        "`--class_weights balanced`, and rank the models by macro F1: `--metric_for_best_model f1_macro`. Check that "
        "inputs and labels belong to the same rows."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """One finding per model."""
        names = at(facts.comparison, "data", "labels")
        for name in facts.names():
            runs = facts.finished(name)
            found = [what for result in runs if (what := _constant(facts, result, names))]
            if found:
                where = "" if len(found) == len(runs) else f" in {len(found)} of {len(runs)} runs"
                yield Finding(f"{name} {found[0]}{where}: it has learned nothing from the inputs", (name,))


def _constant(facts: Facts, result: RunResult, names: object) -> str | None:
    """What a run predicts for all examples, as a phrase; `None` if its predictions differ."""
    saved = facts.saved(result)
    if saved is None:
        return None
    for metric, find in (("f1_macro", _single_class), ("f1", _no_span)):
        sums = saved.sums.get(metric)
        if sums is not None and len(sums) >= FEWEST_EXAMPLES and (what := find(np.asarray(sums), names)):
            return what
    return _constant_number(saved) if at(facts.comparison, "data", "problem_type") == "regression" else None


def _single_class(sums: np.ndarray, names: object) -> str | None:
    """The columns are a flag, then correct, predicted and true items of each class."""
    classes, rest = divmod(sums.shape[1] - 1, 3)
    if rest:
        return None
    predicted, true = sums.sum(0)[1:].reshape(3, classes)[1:]
    if classes < 2 or np.count_nonzero(predicted) != 1 or np.count_nonzero(true) < 2:
        return None
    number = int(np.flatnonzero(predicted)[0])
    label = names[number] if isinstance(names, list) and len(names) == classes else f"number {number}"
    return f"predicts the class {label} for all test examples"


def _no_span(sums: np.ndarray, names: object) -> str | None:
    """The columns are correct, predicted and true spans."""
    if sums.shape[1] != 3:
        return None
    _, predicted, true = sums.sum(0)
    return "finds no span in any test example" if predicted == 0 and true > 0 else None


def _constant_number(saved: SavedPredictions) -> str | None:
    if not saved.predictions or not saved.labels or len(saved.labels[0]) < FEWEST_EXAMPLES:
        return None
    predicted, true = (np.asarray(values[0], dtype=np.float64) for values in (saved.predictions, saved.labels))
    if np.nanstd(true) > 0 and np.nanstd(predicted) < CONSTANT_SHARE * np.nanstd(true):
        return "predicts nearly the same number for all test examples"
    return None
