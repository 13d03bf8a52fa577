"""Models with too few seeds."""

from collections.abc import Iterable

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts, at
from hfseq.formatting import join_words
from hfseq.registry import register_check

# Student's t is 12.7 for two seeds and 4.3 for three: two seeds give an interval without use.
FEWEST_SEEDS = 3


@register_check
class FewSeeds(Check):
    """HFS015."""

    code = "HFS015"
    severity = "info"
    title = "Few seeds"
    cause = (
        "A model was trained with one or two seeds. Another seed gives another initialization and another order of "
        "the examples, and often a figure that differs by more than the models do. With one seed, the interval covers "
        "only the choice of the test examples; with two, the spread over seeds is hardly known (Student's t is 12.7)."
    )
    cure = "Train each model with at least three seeds, better five: `--seeds 0 1 2`. Finished runs are not repeated."

    def find(self, facts: Facts) -> Iterable[Finding]:
        """At most one finding."""
        counts = {
            name: len({result.seed for result in facts.finished(name)})
            for name in facts.names()
            if not any(at(record.model, "deterministic") for record in facts.records(name))
        }
        few = {name: count for name, count in counts.items() if 0 < count < FEWEST_SEEDS}
        if not few:
            return
        most = max(few.values())
        number = "one seed" if most == 1 else "two seeds" if min(few.values()) == 2 else "one or two seeds"
        models = "the models" if len(few) == len(counts) > 1 else join_words(few)
        verb = "was" if len(few) == 1 else "were"
        spread = "unknown" if most == 1 else "hardly known"
        yield Finding(
            f"{models} {verb} trained with {number}: the spread over seeds is {spread} (--seeds 0 1 2)", tuple(few)
        )
