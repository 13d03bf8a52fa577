"""Trainings that ended while the validation figure still improved."""

from collections.abc import Iterable

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts
from hfseq.comparison.checks.history import curve
from hfseq.formatting import join_words
from hfseq.registry import register_check
from hfseq.training.record import RunRecord

# With fewer evaluations, nothing is known about the shape of the curve.
FEWEST_EVALUATIONS = 3
# The last epoch must have improved the figure by this share of its improvement in the whole training: the tail of a
# curve that has levelled off is smaller.
LAST_SHARE = 0.05


@register_check
class StillImproving(Check):
    """HFS004."""

    code = "HFS004"
    severity = "warning"
    title = "Still improving at the last epoch"
    cause = (
        "The best validation figure is that of the last epoch, and this epoch contributed at least 5 % of the whole "
        "improvement, with most of the seeds. The model was not trained to the end, and its figure says more about "
        "the number of epochs than about the model. A comparison with models that are trained to the end is unfair."
    )
    cure = (
        "Train longer with `--num_train_epochs`. The best epoch is kept, and training stops by itself once it no "
        "longer improves (`--early_stopping_patience`). If time is what you compare, give all models the same time "
        "with `--match time`."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """One finding for all models."""
        found = []
        for name in facts.names():
            records = facts.records(name)
            improving = sum(_improves(record, facts) for record in records)
            if improving > len(records) / 2:
                found.append(name)
        if found:
            verb = "was" if len(found) == 1 else "were"
            yield Finding(
                f"{join_words(found)} {verb} still improving at the last epoch: train longer (--num_train_epochs)",
                tuple(found),
            )


def _improves(record: RunRecord, facts: Facts) -> bool:
    values, greater = curve(record, f"eval_{facts.metric}").values, facts.greater_is_better
    if not values:
        values, greater = curve(record, "eval_loss").values, False
    if len(values) < FEWEST_EVALUATIONS:
        return False
    signed = [value if greater else -value for value in values]
    gain, whole = signed[-1] - max(signed[:-1]), max(signed) - signed[0]
    return gain > 0 and gain >= LAST_SHARE * whole
