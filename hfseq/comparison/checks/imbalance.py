"""Accuracy where one class is common."""

from collections.abc import Iterable

import numpy as np

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts, at
from hfseq.formatting import percent
from hfseq.registry import register_check

# From this share on, a model that always answers the commonest class is right in 3 of 4 cases.
COMMON = 0.75


@register_check
class Imbalance(Check):
    """HFS010."""

    code = "HFS010"
    severity = "warning"
    title = "Accuracy of unbalanced classes"
    cause = (
        "The models are ranked by accuracy, but at least three quarters of the test examples belong to one class. A "
        "model that ignores the rare classes is right in most cases, and the accuracies of good and bad models are "
        "close together."
    )
    cure = (
        "Look at macro F1 as well, and rank the models by it if the rare classes matter: `--metric_for_best_model "
        "f1_macro`. `--class_weights balanced` makes the models pay attention to rare classes."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """At most one finding."""
        if facts.metric != "accuracy":
            return
        shares = _class_shares(facts)
        if shares is None or shares.max() < COMMON:
            return
        names, common = at(facts.comparison, "data", "labels"), int(shares.argmax())
        label = names[common] if isinstance(names, list) and len(names) == len(shares) else f"number {common}"
        ranked = " and ranks the models differently" if _ranks_differ(facts) else ""
        yield Finding(
            f"{percent(float(shares.max()))} of the test examples belong to the class {label}: accuracy hides errors "
            f"on the other classes; macro F1 shows them{ranked} (--metric_for_best_model f1_macro)"
        )


def _class_shares(facts: Facts) -> np.ndarray | None:
    """Share of each class in the test split. The sums are a flag, then correct, predicted and true items per class."""
    for result in facts.finished():
        saved = facts.saved(result)
        if saved is not None and "f1_macro" in saved.sums:
            sums = np.asarray(saved.sums["f1_macro"]).sum(0)[1:]
            true = sums.reshape(3, -1)[2] if len(sums) % 3 == 0 else np.zeros(0)
            return true / true.sum() if len(true) > 1 and true.sum() > 0 else None
    return None


def _ranks_differ(facts: Facts) -> bool:
    """Whether macro F1 and accuracy have different best models."""
    by_accuracy, by_f1 = (
        {name: mean for name in facts.names() if (mean := facts.mean(name, metric)) is not None}
        for metric in ("accuracy", "f1_macro")
    )
    if not by_accuracy or not by_f1:
        return False
    return max(by_accuracy, key=lambda name: by_accuracy[name]) != max(by_f1, key=lambda name: by_f1[name])
