"""The predictions of a model: a list that can become a table."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hfseq.tasks.base import Prediction

if TYPE_CHECKING:
    import pandas as pd


class Predictions(list[Prediction]):
    """The predictions of a model, one per example, in the order of the examples.

    Args:
        predictions (`Iterable[Prediction]`): the predictions.
        value_names (`Sequence[str]`, *optional*): names of the labels of a classifier, or of the channels of a
            forecast.
        single_label (`bool`, *optional*, defaults to `False`): whether each example has exactly one label.
    """

    def __init__(
        self,
        predictions: Iterable[Prediction] = (),
        value_names: Sequence[str] = (),
        single_label: bool = False,
    ):
        super().__init__(predictions)
        self.value_names = list(value_names)
        self.single_label = single_label

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return Predictions(found, self.value_names, self.single_label) if isinstance(index, slice) else found

    def to_pandas(self) -> "pd.DataFrame":
        """The predictions as a data frame.

        Returns:
            `pandas.DataFrame`: one row per example. Its columns depend on the task:

            - one label per example: `label`, and `score_<label>` with the probability of each label;
            - several labels per example: `labels` (a list), and `score_<label>`;
            - regression: `value`; a language model: its scores, such as `bits_per_character`;
            - tokens: `labels`, a list with one label per word;
            - generated text: `text`; generated music: `text` and `values`;
            - a forecast: one row per example and step: `example`, `step` (from 1), `time` if the times of the series
              are known, and one column per channel.
        """
        import pandas as pd

        if any(prediction.values is not None and prediction.text is None for prediction in self):
            return pd.DataFrame(list(self._steps()))
        return pd.DataFrame([self._row(prediction) for prediction in self])

    def _row(self, prediction: Prediction) -> dict[str, Any]:
        if prediction.text is not None:
            values = {} if prediction.values is None else {"values": prediction.values}
            return {"text": prediction.text, **values}
        if prediction.scores and set(prediction.scores) != set(self.value_names):
            return dict(prediction.scores)  # numbers that are not the probability of a label
        labels = {"label": prediction.labels[0]} if self.single_label else {"labels": prediction.labels}
        if self.value_names == ["value"]:
            labels = {}
        prefix = "score_" if labels else ""
        return {**labels, **{f"{prefix}{name}": score for name, score in prediction.scores.items()}}

    def _steps(self) -> Iterator[dict[str, Any]]:
        for example, prediction in enumerate(self):
            for number, step in enumerate(prediction.values or []):
                time = {} if prediction.times is None else {"time": prediction.times[number]}
                values = dict(zip(self.value_names, flat_values(step), strict=True))
                yield {"example": example, "step": number + 1, **time, **values}


def flat_values(values: Any) -> Iterator[float]:
    """The numbers of nested lists: of the channels of one step, or of channels of quantiles."""
    if not isinstance(values, list):
        yield values
        return
    for value in values:
        yield from flat_values(value)
