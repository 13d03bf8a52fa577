"""Baselines of language modelling: n-gram models of the tokens that the first model reads."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np

from hfseq.data.arguments import DataArguments
from hfseq.data.labels.columns import Columns
from hfseq.registry import register_baseline
from hfseq.tasks.base import Task
from hfseq.tasks.baselines import Baseline, BaselineData, Outputs
from hfseq.tasks.causal_lm.kneser_ney import KneserNey, NgramCounts
from hfseq.tasks.causal_lm.rows import UNITS_COLUMN
from hfseq.tasks.causal_lm.task import CausalLM
from hfseq.tasks.prediction import Prediction
from hfseq.tasks.task_data import TaskData

# At most this number of training tokens is counted, which takes about a minute.
_MOST_TOKENS = 10_000_000


class NgramBaseline(Baseline):
    """An interpolated Kneser-Ney model. The validation split chooses n.

    Perplexities are comparable with those of models that have the same tokens, bits per character with those of all
    models: rows, predicted tokens and units are those of the first model.
    """

    max_order: ClassVar[int]
    uses_tokens = True
    model: KneserNey
    task: CausalLM
    processor: Any
    arguments: DataArguments

    @classmethod
    def matches(cls, task: Task, data: TaskData) -> bool:
        """Language models of texts and music."""
        return isinstance(task, CausalLM)

    def fit(self, data: BaselineData) -> None:
        """Counts the n-grams of the training split."""
        assert isinstance(data.task, CausalLM)  # see `matches`
        self.task = CausalLM(data.task.modality)
        self.processor, self.arguments = data.processor, data.arguments
        rows = _tokens(data, "train")
        fewer = sum(1 for total in accumulate(map(len, rows)) if total <= _MOST_TOKENS)
        counts = NgramCounts(rows[: max(fewer, 1)], len(data.processor), self.max_order)
        validation = _tokens(data, "validation")
        models = [counts.model(order) for order in range(1, len(counts.orders) + 1)]
        self.model = min(models, key=lambda model: self._sums(model, validation)[:, 0].sum())

    def predict(self, data: BaselineData, split: str) -> Outputs:
        """Sums of each row: see [`CausalLM.predictions_of`]."""
        units = np.asarray(data.encoded[split][UNITS_COLUMN][:], dtype=np.float64)  # (rows, 1)
        return Outputs(np.concatenate([self._sums(self.model, _tokens(data, split)), units], axis=1), units)

    def _sums(self, model: KneserNey, rows: Sequence[np.ndarray]) -> np.ndarray:
        """Negative log-likelihood, number of predicted tokens, and number of correct ones of each row, `(rows, 3)`."""
        log_probability, best = model(rows)
        tokens = np.concatenate(rows)
        first = np.concatenate([np.arange(len(row)) == 0 for row in rows])
        counted = ~first & ~np.isin(tokens, self.task.content.ignored_in_metrics)
        numbers = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        parts = (-log_probability, np.ones(len(tokens)), best == tokens)
        return np.stack([np.bincount(numbers, part * counted, minlength=len(rows)) for part in parts], axis=1)

    def predict_rows(self, rows: Mapping[str, list], columns: Columns) -> list[Prediction]:
        """The metric of each example."""
        encoded = self.task.encode_rows(rows, columns, self.processor, self.arguments)
        sums = self._sums(self.model, [np.asarray(row) for row in encoded["input_ids"]])
        units = np.asarray(encoded[UNITS_COLUMN], dtype=np.float64) if UNITS_COLUMN in encoded else 0 * sums[:, :1]
        return self.task.predictions(list(np.concatenate([sums, units], axis=1)), rows, columns)

    @property
    def num_parameters(self) -> int:
        """Number of probabilities and back-off weights."""
        return self.model.num_parameters


@register_baseline
class Unigram(NgramBaseline):
    """The share of each token in training."""

    name = "unigram"
    trivial = True
    max_order = 1

    @property
    def description(self) -> str:
        """The model, and its limits."""
        return f"the share of each token in training, of at most {_MOST_TOKENS:,} tokens; tokens of the first model"


@register_baseline
class Ngram(NgramBaseline):
    """An interpolated Kneser-Ney model of up to 5 tokens."""

    name = "ngram"
    max_order = 5

    @property
    def description(self) -> str:
        """The model, and its limits."""
        return (
            f"interpolated Kneser-Ney model of {self.model.order}-grams with modified discounts (Chen & Goodman "
            f"1999), of at most {_MOST_TOKENS:,} tokens; tokens of the first model"
        )

    def chosen(self) -> dict[str, Any]:
        """The order."""
        return {"n": self.model.order}


def _tokens(data: BaselineData, split: str) -> list[np.ndarray]:
    return list(data.encoded[split].with_format("numpy", columns=["input_ids"])[:]["input_ids"])
