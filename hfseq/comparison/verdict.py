"""The verdict of a comparison: which model to choose, and why, in a few sentences."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfseq.comparison.preferences import PREFERENCES
from hfseq.comparison.statistics import (
    Sample,
    compare_pair,
    metric_interval,
    needed_examples,
    needed_seeds,
    select,
)
from hfseq.comparison.statistics.selection import rival_confidence
from hfseq.formatting import count, figure, figure_range, join_words, seconds, size
from hfseq.metrics.ranges import metric_range

CONFIDENCE = 0.95
# The margin by default: this share of the range of a score, and of the best value of an error measure.
SCORE_MARGIN, ERROR_MARGIN = 0.01, 0.02


@dataclass(frozen=True)
class Candidate:
    """A model, or a simple baseline, that finished.

    Attributes:
        sample (`Sample`): its results on the split on which the models are chosen.
        costs (`Mapping[str, float]`): costs by key; unknown costs are missing.
        baseline (`bool`): whether it is a simple baseline.
        test (`Sample`, *optional*): its results on the test split.
    """

    sample: Sample
    costs: Mapping[str, float]
    baseline: bool = False
    test: Sample | None = None


@dataclass(frozen=True)
class Question:
    """What a verdict is about.

    Attributes:
        metric (`str`), greater_is_better (`bool`): the metric and its direction.
        split (`str`): `"validation"` or `"test"`: the split on which the models are chosen.
        margin (`float`): a difference that does not matter, in units of the metric.
        prefer (`str`): a key of `PREFERENCES`.
        asked (`int`): number of models that were asked for, without baselines.
    """

    metric: str
    greater_is_better: bool
    split: str
    margin: float
    prefer: str
    asked: int

    def better(self, one: float, other: float) -> float:
        """By how much the first value is better."""
        return one - other if self.greater_is_better else other - one


def default_margin(metric: str, greater_is_better: bool, best: float) -> float:
    """The margin if none is given: one point of a score from 0 to 1 or to 100, else 2 % of the best value.

    Args:
        metric (`str`): the metric.
        greater_is_better (`bool`): its direction.
        best (`float`): the best value.
    """
    _, high = metric_range(metric)
    if greater_is_better and math.isfinite(high):
        return SCORE_MARGIN * (100.0 if high == 100 else 1.0)
    return ERROR_MARGIN * abs(best)


def decide(
    candidates: Mapping[str, Candidate],
    metric: str,
    greater_is_better: bool,
    *,
    split: str = "validation",
    margin: float | None = None,
    prefer: str = "size",
    asked: int | None = None,
) -> dict[str, Any] | None:
    """Chooses the cheapest model that is not worse than the best one by more than the margin.

    This must be known with 95 % confidence, see [`select`]. Otherwise the verdict names the best model so far, and
    says how many examples or seeds would decide. A model that is no better than the best baseline is never chosen.

    Args:
        candidates (`Mapping[str, Candidate]`): the finished models and baselines, by name.
        metric (`str`): name of the metric.
        greater_is_better (`bool`): direction of the metric.
        split (`str`, *optional*, defaults to `"validation"`): the split of the samples.
        margin (`float`, *optional*): a difference that does not matter, in units of the metric. See
            [`default_margin`].
        prefer (`str`, *optional*, defaults to `"size"`): the cost that decides, a key of `PREFERENCES`.
        asked (`int`, *optional*): number of models that were asked for. By default those that finished.

    Returns:
        `dict`: the `recommendation` of `comparison.json`; `None` without a model.
    """
    models = {name: item.sample for name, item in candidates.items() if not item.baseline}
    if not models:
        return None
    sign = 1 if greater_is_better else -1
    best_value = max((sample.estimate for sample in models.values()), key=lambda value: sign * value)
    if margin is None:
        margin = default_margin(metric, greater_is_better, best_value)
    question = Question(
        metric, greater_is_better, split, margin, prefer, len(models) if asked is None else max(asked, len(models))
    )
    judge = _Judge(question, models, candidates)
    outcome = judge.outcome()
    return {
        "model": outcome.model,
        "decided": outcome.decided,
        "provisional": split != "validation" or any(_is_provisional(sample) for sample in models.values()),
        "sentence": " ".join([*outcome.sentences, *judge.caveats()]),
        "split": split,
        "metric": metric,
        "margin": margin,
        "prefer": prefer,
        "best": judge.selection.best,
        "baseline": judge.baseline,
        "candidates": list(judge.selection.confidence_set),
        "needs": outcome.needs,
    }


@dataclass(frozen=True)
class _Outcome:
    model: str | None
    decided: bool
    sentences: list[str]
    needs: dict[str, int | None] | None = None


class _Judge:
    """Decides one question about the models."""

    def __init__(self, question: Question, models: Mapping[str, Sample], candidates: Mapping[str, Candidate]):
        self.question, self.models, self.candidates = question, models, candidates
        self.selection = select(models, question.margin, question.greater_is_better, CONFIDENCE)
        self.preference = PREFERENCES[question.prefer]
        known = [key for key in self.preference.costs if all(key in candidates[name].costs for name in models)]
        self.cost_key = known[0] if known else None
        baselines = {name: item.sample for name, item in candidates.items() if item.baseline}
        self.baseline = max(baselines, key=lambda name: self._quality(baselines[name]), default=None)

    def outcome(self) -> _Outcome:
        """The chosen model, and the sentences that say why."""
        eligible = [name for name in self.models if self._behind_baseline(name) < 0]
        if not eligible:
            return self._none_beats_the_baseline()
        if len(self.models) == 1:
            return self._only_model(eligible[0])
        good = sorted((name for name in self.selection.not_worse if name in eligible), key=self._cost)
        if not good:
            return self._undecided()
        proven = [name for name in good if self._beats_baseline(name)]
        chosen = (proven or good)[0]
        sentences = [self._choice(chosen)]
        if chosen != self.selection.best:
            sentences.append(
                f"It is {self._gap(self.selection.best, chosen)} than {self.selection.best}, the best one."
            )
            sentences += self._saving(chosen)
        needs, question = self._open_question(chosen, eligible)
        if chosen == self.selection.best and not question:
            others = [name for name in self.models if name != chosen]
            second = max(others, key=lambda name: self._quality(self.models[name]))
            sentences.append(f"It is {self._gap(second, chosen)} than {second}, the next one.")
        return _Outcome(
            chosen, bool(proven), [*sentences, *question, *self._baseline_doubt(chosen), *self._test(chosen)], needs
        )

    # Parts of the verdict.

    def _choice(self, chosen: str) -> str:
        metric, margin = self._metric, self._margin
        if chosen != self.selection.best:
            return (
                f"Choose {chosen}: it is the {self._least} of the models whose {metric} is not worse than the best by "
                f"more than {margin}, with 95 % confidence."
            )
        sample = self.models[chosen]
        value = _figure_of(sample)
        if self.selection.bounds[chosen] == 0:
            return f"Choose {chosen}: its {metric} ({value}) is the best, with 95 % confidence."
        return (
            f"Choose {chosen}: its {metric} ({value}) is the best. With 95 % confidence, it is not worse than any "
            f"other by more than {margin}."
        )

    def _open_question(self, chosen: str, eligible: Sequence[str]) -> tuple[dict[str, int | None] | None, list[str]]:
        """Whether models that cost less than the chosen one are good enough, and what would tell."""
        best = self.selection.best
        cheaper = [
            name
            for name in eligible
            if name != best and self._cost(name) < self._cost(chosen) and self._limits(best, name)[0] <= 0
        ]
        if not cheaper:
            return None, []
        first = min(cheaper, key=self._cost)
        needs = self._needs(best, first)
        words = (
            f"The data cannot tell whether {first} is good enough, which would be the {self._least}: it is "
            f"{self._gap(best, first)} than {best}."
        )
        return needs, [words, *_need_words(needs, self.question.split)]

    def _undecided(self) -> _Outcome:
        best = self.selection.best
        rival = max((name for name in self.models if name != best), key=lambda name: self._limits(name, best)[1])
        needs = self._needs(best, rival)
        sentences = [
            f"The data cannot tell which model to choose: no model is known, with 95 % confidence, to be within "
            f"{self._margin} of the best {self._metric}.",
            f"{best} is the best so far, {self._gap(rival, best)} than {rival}.",
            *_need_words(needs, self.question.split),
        ]
        return _Outcome(best, False, [*sentences, *self._baseline_doubt(best), *self._test(best)], needs)

    def _only_model(self, name: str) -> _Outcome:
        start = f"{name} is the only model that finished" if self.question.asked > 1 else f"{name} is the only model"
        sentences = [f"{start}.", *self._baseline_doubt(name), *self._test(name)]
        return _Outcome(name, self._beats_baseline(name), sentences)

    def _none_beats_the_baseline(self) -> _Outcome:
        best, baseline = self.selection.best, str(self.baseline)
        sure = all(self._limits(name, baseline)[1] <= 0 for name in self.models)
        words = (
            f"None of these beats the baseline {baseline}: its {self._metric} is "
            f"{_figure_of(self.candidates[baseline].sample)}, that of the best model, {best}, "
            f"{_figure_of(self.models[best])}."
        )
        advice = f"Use {baseline}, or give the models what they need: more examples, more epochs, or tuned settings."
        return _Outcome(None, sure, [words, *self._test(baseline, best), advice])

    def _baseline_doubt(self, name: str) -> list[str]:
        if self._beats_baseline(name):
            return []
        gap = self._gap(str(self.baseline), name)
        return [f"It is not shown to be better than the baseline {self.baseline}: it is {gap}."]

    def _saving(self, chosen: str) -> list[str]:
        if self.cost_key is None:
            return []
        own, other = (_cost_text(self.cost_key, self.candidates[name].costs) for name in (chosen, self.selection.best))
        return [f"Its {self.preference.name} is {own}, that of {self.selection.best} {other}."]

    def _test(self, *names: str) -> list[str]:
        """The results on the test split."""
        samples = {name: self.candidates[name].test for name in names}
        parts = [f"{name} {_with_interval(sample)}" for name, sample in samples.items() if sample is not None]
        return [f"Test {self.question.metric}: {', '.join(parts)}."] if parts else []

    def caveats(self) -> list[str]:
        """What the verdict does not know."""
        sentences = []
        if self.cost_key is None:
            sentences.append(f"The {self.preference.name} of some models is not known.")
        if self.question.split == "test":
            sentences.append(
                "The predictions for the validation split are not known: this verdict rests on the test split."
            )
        unknown = []
        if any(_lacks_examples(sample) for sample in self.models.values()):
            unknown.append("the error over the examples")
        if any(_has_one_seed(sample) for sample in self.models.values()):
            unknown.append("the spread over seeds")
        if unknown:
            sentences.append(f"Provisional: {join_words(unknown)} {'is' if len(unknown) == 1 else 'are'} unknown.")
        return sentences

    # Facts about models.

    @property
    def _metric(self) -> str:
        return f"{self.question.split} {self.question.metric}"

    @property
    def _margin(self) -> str:
        return f"{self.question.margin:.2g}"

    @property
    def _least(self) -> str:
        return self.preference.least if self.cost_key else "best"

    def _quality(self, sample: Sample) -> float:
        return sample.estimate if self.question.greater_is_better else -sample.estimate

    def _cost(self, name: str) -> tuple[float, float]:
        """Sort key: the cost, then the better metric."""
        cost = self.candidates[name].costs[self.cost_key] if self.cost_key else 0.0
        return cost, -self._quality(self.models[name])

    def _behind_baseline(self, name: str) -> float:
        """By how much a baseline is better; below 0 if there is none."""
        if self.baseline is None:
            return -math.inf
        return self._quality(self.candidates[self.baseline].sample) - self._quality(self.models[name])

    def _beats_baseline(self, name: str) -> bool:
        return self.baseline is None or self._limits(name, self.baseline)[0] > 0

    def _limits(self, one: str, other: str) -> tuple[float, float]:
        """Limits of how much better one model is than another; infinite if nothing is known about the error."""
        confidence = rival_confidence(CONFIDENCE, len(self.models))
        pair = compare_pair(self.candidates[one].sample, self.candidates[other].sample, confidence)
        if math.isnan(pair.low):
            return -math.inf, math.inf
        return (pair.low, pair.high) if self.question.greater_is_better else (-pair.high, -pair.low)

    def _gap(self, one: str, other: str) -> str:
        """By how much the second model is better or worse than the first one, with the interval."""
        difference = self._quality(self.candidates[other].sample) - self._quality(self.candidates[one].sample)
        low, high = self._limits(other, one)
        word = "better" if difference >= 0 else "worse"
        if not math.isfinite(low):
            return f"{figure(abs(difference))} {word} (unknown error)"
        if difference < 0:
            low, high = -high, -low
        return f"{figure(abs(difference), (high - low) / 2)} ({figure_range(low, high)}) {word}"

    def _needs(self, better: str, other: str) -> dict[str, int | None]:
        samples = self.models[better], self.models[other]
        confidence = rival_confidence(CONFIDENCE, len(self.models))
        margin = self.question.margin
        return {
            "examples": needed_examples(*samples, margin, confidence),
            "seeds": needed_seeds(*samples, margin, confidence),
        }


def _has_one_seed(sample: Sample) -> bool:
    return sample.num_seeds == 1 and not sample.deterministic


def _lacks_examples(sample: Sample) -> bool:
    return sample.num_clusters < 2 and sample.overlap is None


def _is_provisional(sample: Sample) -> bool:
    return _has_one_seed(sample) or _lacks_examples(sample)


def _need_words(needs: Mapping[str, int | None], split: str) -> list[str]:
    parts = [
        f"{number:,} {split + ' ' if unit == 'examples' else ''}{unit}" for unit, number in needs.items() if number
    ]
    return [f"About {' or '.join(parts)} would tell."] if parts else ["More examples and more seeds are needed."]


def _figure_of(sample: Sample) -> str:
    interval = metric_interval(sample, CONFIDENCE)
    return figure(sample.estimate, None if interval is None else (interval.high - interval.low) / 2)


def _with_interval(sample: Sample) -> str:
    interval = metric_interval(sample, CONFIDENCE)
    return _figure_of(sample) + ("" if interval is None else f" ({figure_range(interval.low, interval.high)})")


def _cost_text(key: str, costs: Mapping[str, float]) -> str:
    value = costs[key]
    if key.endswith("_bytes"):
        return size(value)
    if key.endswith("_seconds"):
        return seconds(value)
    if key.endswith("_ms"):
        return f"{value:.3g} ms"
    return f"{value:.3g} J" if key.endswith("_joules") else count(value)
