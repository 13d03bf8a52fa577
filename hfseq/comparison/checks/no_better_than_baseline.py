"""Models that are no better than a simple baseline."""

from collections.abc import Iterable, Mapping
from typing import Any

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts, entries, number
from hfseq.formatting import figure, join_words
from hfseq.registry import register_check


@register_check
class NoBetterThanBaseline(Check):
    """HFS003."""

    code = "HFS003"
    severity = "error"
    title = "No better than a simple baseline"
    cause = (
        "The test figure of a model is no better than that of the best simple baseline: the commonest class, a bag of "
        "words, the last value of a series. It is a warning if the model is better, but by less than its margin of "
        "error. A baseline trains in seconds and is easier to run and to explain."
    )
    cure = (
        "Use the baseline, or give the model what it needs: more training examples, more epochs, settings chosen with "
        "`--tune`, a pretrained model. Such a model is never recommended."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """One finding for the models that are worse, and one for those that may be."""
        means = {name: mean for name in facts.names("baseline") if (mean := facts.mean(name)) is not None}
        if not means:
            return
        best = max(means, key=lambda name: facts.better(means[name], 0.0))
        worse, unsure = {}, {}
        for name in facts.names():
            mean = facts.mean(name)
            if mean is None:
                continue
            if facts.better(mean, means[best]) <= 0:
                worse[name] = mean
            elif _may_be_equal(facts, name, best):
                unsure[name] = mean
        reference = f"{best} ({_shown(facts, best)}, test {facts.metric})"
        if worse:
            listed = join_words(f"{name} ({_shown(facts, name)})" for name in worse)
            yield Finding(f"{listed} {_verb(worse)} no better than the simple baseline {reference}", tuple(worse))
        if unsure:
            listed = join_words(f"{name} ({_shown(facts, name)})" for name in unsure)
            yield Finding(
                f"{listed} {_verb(unsure)} not better than the simple baseline {reference} with 95 % confidence",
                tuple(unsure),
                "warning",
            )


def _verb(models: Mapping[str, float]) -> str:
    return "is" if len(models) == 1 else "are"


def _shown(facts: Facts, name: str) -> str:
    mean, interval = facts.mean(name), facts.interval(name)
    assert mean is not None  # only models with a figure are shown
    return figure(mean, None if interval is None else (interval[1] - interval[0]) / 2)


def _may_be_equal(facts: Facts, name: str, baseline: str) -> bool:
    """Whether the interval of the difference on the test split contains 0."""
    for pair in entries(facts.comparison, "pairs"):
        if {pair.get("a"), pair.get("b")} == {name, baseline} and _is_about(pair, facts.metric):
            low, high = number(pair, "low"), number(pair, "high")
            return low is not None and high is not None and low <= 0 <= high
    return False


def _is_about(pair: Mapping[str, Any], metric: str) -> bool:
    return pair.get("metric") == metric and pair.get("split") == "test"
