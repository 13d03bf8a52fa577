"""Base class of all metrics: an `evaluate.Metric` that needs neither the network nor files."""

import inspect
import os
from typing import Any, ClassVar

import evaluate
from datasets import Features, Sequence, Value

from hfseq.errors import HfseqError
from hfseq.metrics.arrays import as_finite

# Class ids are also stored as float64. In an integer column, evaluate would silently truncate 0.7 to 0. With float64,
# the scoring functions receive the 0.7 and reject it.
_NUMBER = Value("float64")
_ROW = Sequence(Value("float64"))

# Per row: one number and one number; class probabilities and one class id; several labels and several labels.
ONE_TO_ONE = Features({"predictions": _NUMBER, "references": _NUMBER})
ROW_TO_ONE = Features({"predictions": _ROW, "references": _NUMBER})
ROW_TO_ROW = Features({"predictions": _ROW, "references": _ROW})


class OfflineMetric(evaluate.Metric):
    """An [`evaluate.Metric`] that is part of this package, so that nothing is downloaded from the Hub.

    By default, predictions and references are kept in memory. No file is written, and two processes that compute
    metrics at the same time cannot conflict. A subclass sets `input_kinds` (and `citation_text`) and defines `score`.
    The first paragraph of its docstring becomes the description of the metric.

    Args:
        config_name (`str`, *optional*):
            as in [`evaluate.Metric`]. It has no effect on the result; the form of the input is inferred from the data.
        keep_in_memory (`bool`, *optional*, defaults to `num_process == 1`):
            whether to keep the rows in memory. Several processes of one evaluation exchange their rows through files.
        num_process (`int`, *optional*, defaults to `1`):
            number of processes that add rows to this evaluation. All of them must use the same `experiment_id`, and no
            other evaluation may use it.
        **options:
            other arguments of [`evaluate.Metric`].
    """

    input_kinds: ClassVar[list[Features]] = [ONE_TO_ONE]
    citation_text: ClassVar[str] = ""

    def __init__(
        self,
        config_name: str | None = None,
        keep_in_memory: bool | None = None,
        num_process: int = 1,
        **options: Any,
    ):
        if keep_in_memory is None:
            keep_in_memory = num_process == 1
        super().__init__(config_name, keep_in_memory=keep_in_memory, num_process=num_process, **options)

    def score(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Computes the result from `references`, `predictions` (finite float64 arrays) and the options of `compute`.

        A value of `None` means that the metric is undefined. `compute` leaves it out of its result.
        """
        raise NotImplementedError(f"{type(self).__name__} must define score().")

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=(inspect.getdoc(type(self)) or "").split("\n\n")[0],
            citation=self.citation_text,
            features=self.input_kinds,
            inputs_description="",
        )

    def _checked(self, predictions: Any, references: Any) -> tuple[Any, Any]:
        """Checks references and predictions, and converts them to the arguments of `score`."""
        truth, guess = as_finite(references, "references"), as_finite(predictions, "predictions")
        if truth.ndim == 1 and guess.ndim == 2 and guess.shape[1] == 1:
            guess = guess[:, 0]  # (rows,)
        return truth, guess

    def _compute(self, *, predictions: Any, references: Any, **options: Any) -> dict[str, Any]:
        result = self.score(*self._checked(predictions, references), **options)
        return {key: value for key, value in result.items() if value is not None}

    def _build_data_dir(self) -> str:
        # evaluate creates the folder even if it writes no file, which fails if the home directory is read-only.
        if self.keep_in_memory:
            return os.path.join(self._data_dir_root, self.name, self.config_name)
        return super()._build_data_dir()

    def _infer_feature_from_batch(self, batch: dict[str, Any]) -> Features:
        for column, values in batch.items():
            if values is None or len(values) == 0:
                raise HfseqError(f"{self.name}: {column} is empty; pass at least one row.")
        return super()._infer_feature_from_batch(batch)

    def _finalize(self) -> None:
        if self.keep_in_memory and self.writer is None:
            raise HfseqError(
                f"{self.name}: nothing to compute; call add_batch first, or pass predictions and references."
            )
        super()._finalize()
