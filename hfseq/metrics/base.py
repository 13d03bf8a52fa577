"""What the metrics share: `evaluate.Metric` without the network and without files."""

import inspect
import os
from typing import Any, ClassVar

import evaluate
from datasets import Features, Sequence, Value

from hfseq.errors import HfseqError
from hfseq.metrics.arrays import as_finite

# Class ids are stored as float64 too: evaluate would silently cut 0.7 to 0 in an integer column, whereas here the
# scoring functions see the 0.7 and refuse it.
_NUMBER = Value("float64")
_ROW = Sequence(Value("float64"))

# One number a row on both sides; a row of class probabilities against one class id; a row of labels on both sides.
ONE_TO_ONE = Features({"predictions": _NUMBER, "references": _NUMBER})
ROW_TO_ONE = Features({"predictions": _ROW, "references": _NUMBER})
ROW_TO_ROW = Features({"predictions": _ROW, "references": _ROW})


class OfflineMetric(evaluate.Metric):
    """An [`evaluate.Metric`] that ships with the package, so that nothing is fetched from the Hub.

    Predictions and references stay in memory unless told otherwise, so two processes that score at the same time share
    no file, and nothing is written. A subclass sets `input_kinds` (and `citation_text`) and defines `score`; the
    first paragraph of its docstring becomes the metric's description.

    Args:
        config_name (`str`, *optional*):
            as in [`evaluate.Metric`]; it has no effect on the result, the kind of input is seen from the data.
        keep_in_memory (`bool`, *optional*):
            whether to hold the rows in memory; by default yes, except where `num_process` is above 1, since the
            processes of one evaluation meet through files.
        num_process (`int`, *optional*, defaults to `1`):
            how many processes add rows to this one evaluation. They need one `experiment_id` in common, which no other
            evaluation uses.
        **options:
            the other arguments of [`evaluate.Metric`].
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
        """The result from `references`, `predictions` (arrays of finite float64) and the options of `compute`.

        A value of `None` stands for undefined and is left out of what `compute` returns.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define score().")

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=(inspect.getdoc(type(self)) or "").split("\n\n")[0],
            citation=self.citation_text,
            features=self.input_kinds,
            inputs_description="",
        )

    def _checked(self, predictions: Any, references: Any) -> tuple[Any, Any]:
        """References and predictions as `score` takes them."""
        truth, guess = as_finite(references, "references"), as_finite(predictions, "predictions")
        if truth.ndim == 1 and guess.ndim == 2 and guess.shape[1] == 1:
            guess = guess[:, 0]  # (rows,)
        return truth, guess

    def _compute(self, *, predictions: Any, references: Any, **options: Any) -> dict[str, Any]:
        result = self.score(*self._checked(predictions, references), **options)
        return {key: value for key, value in result.items() if value is not None}

    def _build_data_dir(self) -> str:
        # evaluate makes the folder even when it writes nothing there, which fails where the home is read-only.
        if self.keep_in_memory:
            return os.path.join(self._data_dir_root, self.name, self.config_name)
        return super()._build_data_dir()

    def _infer_feature_from_batch(self, batch: dict[str, Any]) -> Features:
        for column, values in batch.items():
            if values is None or len(values) == 0:
                raise HfseqError(f"{self.name}: {column} is empty; give at least one row.")
        return super()._infer_feature_from_batch(batch)

    def _finalize(self) -> None:
        if self.keep_in_memory and self.writer is None:
            raise HfseqError(f"{self.name}: nothing to compute; call add_batch first, or give both arguments.")
        super()._finalize()
