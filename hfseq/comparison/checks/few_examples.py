"""Test splits that are too small for the margin."""

import math
from collections.abc import Iterable
from dataclasses import replace

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts, number
from hfseq.comparison.samples import model_samples
from hfseq.comparison.statistics import metric_interval
from hfseq.formatting import figure
from hfseq.registry import register_check

# An interval of up to this number of margins is usual, and the differences of models on the same examples are known
# better than the figures themselves.
MOST_MARGINS = 3.0


@register_check
class FewExamples(Check):
    """HFS007."""

    code = "HFS007"
    severity = "warning"
    title = "Too few test examples for the margin"
    cause = (
        "The 95 % interval of the best figure of the test split is more than three times as wide, to each side, as "
        "the margin (the difference that counts in the verdict), from the choice of the examples alone. With so few "
        "test examples, a difference of the margin cannot be seen in the table. The number of examples that would do "
        "is estimated: the interval shrinks with the square root of their number."
    )
    cure = (
        "Test on more examples: a larger `--test_fraction`, or `--folds` so that every example is tested once. Or "
        "accept a larger difference with `--margin`."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """At most one finding."""
        margin = number(facts.comparison, "recommendation", "margin") or number(facts.comparison, "protocol", "margin")
        means = {name: mean for name in facts.names() if (mean := facts.mean(name)) is not None}
        if not margin or not means:
            return
        best = max(means, key=lambda name: facts.better(means[name], 0.0))
        known = _half_width(facts, best)
        if known is not None and known[0] > MOST_MARGINS * margin:
            half, examples = known
            needed = _rounded(examples * (half / margin) ** 2)
            yield Finding(
                f"{examples:,} test examples are few: with them, the test {facts.metric} of {best} is known to "
                f"± {figure(half, half)} at best, but differences from {margin:.2g} on count (the margin); about "
                f"{needed:,} examples would show them"
            )


def _half_width(facts: Facts, name: str) -> tuple[float, int] | None:
    """Half of the interval that the choice of the test examples alone causes, without the seeds; and their number."""
    sample = model_samples(facts.finished(name), "test").get(facts.metric)
    if sample is None or sample.sums is None or sample.num_clusters < 2:
        return None
    interval = metric_interval(replace(sample, deterministic=True))
    return None if interval is None else ((interval.high - interval.low) / 2, sample.sums.shape[1])


def _rounded(value: float) -> int:
    """Up to two significant digits."""
    step = 10 ** max(0, math.floor(math.log10(value)) - 1)
    return math.ceil(value / step) * step
