"""Trainings whose validation loss grew while the training loss fell."""

from collections.abc import Iterable

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts, number
from hfseq.comparison.checks.history import Curve, curve
from hfseq.registry import register_check
from hfseq.training.record import RunRecord

FEWEST_EVALUATIONS = 3
# The validation loss must exceed its minimum by this share. It varies by a few per cent from epoch to epoch.
GROWTH = 0.2


@register_check
class Overfitted(Check):
    """HFS006."""

    code = "HFS006"
    severity = "warning"
    title = "Over-fitted"
    cause = (
        "At the epoch that was kept, the validation loss was at least 20 % above its minimum, while the training loss "
        "had fallen further, with most of the seeds. The model fits peculiarities of the training examples. Its "
        "probabilities are too confident, even where more of its predictions are right."
    )
    cure = (
        "Use a smaller model or more dropout (`--config_overrides`), more `--weight_decay`, fewer epochs, or more "
        "training examples. If probabilities matter, keep the epoch with the lowest loss: `--metric_for_best_model "
        "loss`."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """One finding per model."""
        for name in facts.names():
            records = facts.records(name)
            growth = sorted(found for record in records if (found := _growth(record)) is not None)
            if len(growth) > len(records) / 2:
                yield Finding(
                    f"{name} is over-fitted: at the epoch that was kept, its validation loss is "
                    f"{100 * growth[len(growth) // 2]:.0f} % above the minimum",
                    (name,),
                )


def _growth(record: RunRecord) -> float | None:
    """By which share the validation loss of the kept epoch exceeds its minimum, if the training loss fell since."""
    validation, training = curve(record, "eval_loss"), curve(record, "loss")
    if len(validation) < FEWEST_EVALUATIONS:
        return None
    kept = _kept_step(record, validation)
    lowest = min(range(len(validation)), key=lambda place: validation.values[place])
    minimum, loss = validation.values[lowest], validation.before(kept)
    before, after = training.before(validation.steps[lowest]), training.before(kept)
    if loss is None or minimum <= 0 or before is None or after is None or after >= before:
        return None
    growth = loss / minimum - 1
    return growth if growth >= GROWTH and kept > validation.steps[lowest] else None


def _kept_step(record: RunRecord, validation: Curve) -> float:
    """The step of the epoch that was kept; the last one if the record does not tell."""
    best, epochs, steps = (number(record.costs, key) for key in ("best_epoch", "epochs", "steps"))
    if best is None or not epochs or steps is None:
        return validation.steps[-1]
    return round(best / epochs * steps)
