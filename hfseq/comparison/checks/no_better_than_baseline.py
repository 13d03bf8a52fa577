"""Models that are no better than a simple baseline."""

from collections.abc import Iterable, Sequence

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts, at, entries, number
from hfseq.formatting import figure, join_words
from hfseq.registry import register_check


@register_check
class NoBetterThanBaseline(Check):
    """HFS003."""

    code = "HFS003"
    severity = "error"
    title = "No better than a simple baseline"
    cause = (
        "On the split on which the models are chosen, normally validation, the figure of a model is no better than "
        "that of the best simple baseline: the commonest class, a bag of words, the last value of a series. It is a "
        "warning if the model is better, but by less than its margin of error. A baseline trains in seconds and is "
        "easier to run and to explain."
    )
    cure = (
        "Use the baseline, or give the model what it needs: more training examples, more epochs, settings chosen with "
        "`--tune`, a pretrained model. Such a model is never recommended."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """One finding for the models that are worse, and one for those that may be."""
        baseline, split = at(facts.comparison, "recommendation", "baseline"), facts.selection_split
        reference = None if baseline is None else facts.mean(baseline, split=split)
        if reference is None:
            return
        worse, unsure = [], []
        for name in facts.names():
            mean = facts.mean(name, split=split)
            if mean is None:
                continue
            if facts.better(mean, reference) <= 0:
                worse.append(name)
            elif _may_be_equal(facts, name, baseline):
                unsure.append(name)
        against = f"the simple baseline {baseline} ({_shown(facts, baseline)}, {split} {facts.metric})"
        if worse:
            yield Finding(f"{_listed(facts, worse)} no better than {against}", tuple(worse))
        if unsure:
            message = f"{_listed(facts, unsure)} not better than {against} with 95 % confidence"
            yield Finding(message, tuple(unsure), "warning")


def _listed(facts: Facts, names: Sequence[str]) -> str:
    models = join_words(f"{name} ({_shown(facts, name)})" for name in names)
    return f"{models} {'is' if len(names) == 1 else 'are'}"


def _shown(facts: Facts, name: str) -> str:
    mean = facts.mean(name, split=facts.selection_split)
    interval = facts.interval(name, split=facts.selection_split)
    assert mean is not None  # only models with a figure are shown
    return figure(mean, None if interval is None else (interval[1] - interval[0]) / 2)


def _may_be_equal(facts: Facts, name: str, baseline: str) -> bool:
    """Whether the interval of the difference contains 0."""
    for pair in entries(facts.comparison, "pairs"):
        about = pair.get("metric"), pair.get("split")
        if {pair.get("a"), pair.get("b")} == {name, baseline} and about == (facts.metric, facts.selection_split):
            low, high = number(pair, "low"), number(pair, "high")
            return low is not None and high is not None and low <= 0 <= high
    return False
