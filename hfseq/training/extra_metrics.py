"""Metrics that the caller of [`run_training`] adds to those of the task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import evaluate
from transformers import EvalPrediction

from hfseq.errors import HfseqError
from hfseq.formatting import join_words
from hfseq.metrics import load
from hfseq.metrics.base import ROW_TO_ONE
from hfseq.registry import metric_directions
from hfseq.tasks import Task

Compute = Callable[[EvalPrediction], Mapping[str, float]]


@dataclass(frozen=True)
class ExtraMetrics:
    """Metrics beside those of the task.

    Attributes:
        source: a function, a metric of `evaluate`, or the name of a registered metric.
        greater_is_better (`bool`, *optional*): direction of these metrics. Registered metrics know theirs.
    """

    source: Any
    greater_is_better: bool | None = None

    def __post_init__(self) -> None:
        if self.greater_is_better not in (None, True, False):
            raise HfseqError(f"greater_is_better must be true or false, not {self.greater_is_better!r}")
        if isinstance(self.source, str):
            load(self.source)  # raises for an unknown name
        elif not isinstance(self.source, evaluate.EvaluationModule) and not callable(self.source):
            raise HfseqError(
                "compute_metrics must be a function of an EvalPrediction, a metric of evaluate, or the name of a "
                f"registered metric, not {type(self.source).__name__}"
            )

    def direction(self, name: str, setting: bool | None = None) -> bool:
        """Whether greater values of a metric are better.

        Args:
            name (`str`): the metric.
            setting (`bool`, *optional*): the setting `greater_is_better` of the run.

        Raises:
            HfseqError: it is not known, or there are two answers.
        """
        answers = [metric_directions().get(name), self.greater_is_better, setting]
        known = {answer for answer in answers if answer is not None}
        if not known:
            raise HfseqError(f"the direction of {name!r} is not known: set greater_is_better")
        if len(known) > 1:
            registered = answers[0]
            if registered is None:
                raise HfseqError(f"greater_is_better is both true and false for {name!r}")
            better = "more" if registered else "less"
            raise HfseqError(f"greater_is_better is {not registered}, but of {name} {better} is better")
        return known.pop()

    def added_to(self, task: Task, chosen_by: str | None = None) -> Callable[[EvalPrediction], dict[str, float]]:
        """A function that computes the metrics of a task and these metrics.

        Args:
            task (`Task`): the task.
            chosen_by (`str`, *optional*): the `metric_for_best_model`. It must be among the computed metrics.

        Raises:
            HfseqError: the task cannot use a metric of `evaluate`.
        """
        compute = self._compute_for(task)

        def compute_all(prediction: EvalPrediction) -> dict[str, float]:
            # The metrics of the task keep their values.
            found = {**_checked(compute(prediction)), **task.compute_metrics(prediction)}
            if chosen_by not in (None, "loss", *found):
                raise HfseqError(
                    f"compute_metrics did not return {chosen_by!r}, the metric_for_best_model. There are "
                    f"{join_words(found)}"
                )
            return found

        return compute_all

    def _compute_for(self, task: Task) -> Compute:
        metric = load(self.source) if isinstance(self.source, str) else self.source
        if not isinstance(metric, evaluate.EvaluationModule):
            return metric
        if ROW_TO_ONE in getattr(metric, "input_kinds", ()):
            raise HfseqError(f"{metric.name} needs probabilities: give compute_metrics as a function that computes it")

        def compute(prediction: EvalPrediction) -> Mapping[str, float]:
            predictions, references = task.metric_inputs(prediction)
            return metric.compute(predictions=predictions, references=references) or {}

        return compute


def _checked(found: Any) -> dict[str, float]:
    if not isinstance(found, Mapping):
        raise HfseqError(f"compute_metrics must return a dict of numbers, not {type(found).__name__}")
    wrong = {name: value for name, value in found.items() if isinstance(value, bool) or not isinstance(value, Real)}
    if wrong:
        name, value = next(iter(wrong.items()))
        raise HfseqError(f"compute_metrics must return a dict of numbers, but {name!r} is {value!r}")
    return {str(name): float(value) for name, value in found.items()}
