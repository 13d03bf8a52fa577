"""Trainings whose loss grew."""

from collections.abc import Iterable

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts
from hfseq.comparison.checks.history import Curve, curve
from hfseq.registry import register_check

# With fewer values, the noise of single batches decides.
FEWEST_VALUES = 4
# The loss of the last quarter must exceed that of the first quarter by this share: noise is smaller than that.
GROWTH = 0.1


@register_check
class Diverged(Check):
    """HFS005."""

    code = "HFS005"
    severity = "error"
    title = "The training diverged"
    cause = (
        "The training loss is at least 10 % larger at the end of the training than at its beginning, or the training "
        "failed because a metric was no number. The steps of the optimizer were too large, or the inputs contain "
        "extreme values."
    )
    cure = (
        "Lower `--learning_rate` to a third or a tenth, lower `--max_grad_norm`, or raise `--warmup_steps`. Check the "
        "largest values of the inputs if they are numbers."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """One finding per model."""
        for name in facts.names():
            seeds = []
            for result in facts.results:
                if result.name != name:
                    continue
                failed = "diverged" in (result.error or "")
                if failed or (result.record is not None and _grew(curve(result.record, "loss"))):
                    seeds.append(result.seed)
            if seeds:
                listed = ", ".join(map(str, dict.fromkeys(seeds)))
                word = "seed" if len(set(seeds)) == 1 else "seeds"
                yield Finding(
                    f"the training of {name} diverged ({word} {listed}): try a lower --learning_rate", (name,)
                )


def _grew(loss: Curve) -> bool:
    if len(loss) < FEWEST_VALUES:
        return False
    part = max(1, len(loss) // 4)
    first, last = (sum(values) / part for values in (loss.values[:part], loss.values[-part:]))
    return last - first > GROWTH * abs(first)
