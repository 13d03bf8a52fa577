"""Generation for the examples of a split, such as translations, and its metrics."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from hfseq.errors import HfseqError


class GeneratedOutput(NamedTuple):
    """The output of [`SequenceTrainer.predict_with_generate`].

    Attributes:
        tokens (`np.ndarray` of shape `(examples, length)`): token ids, padded with -100.
        metrics (`dict[str, float]`): metrics by name, with the name of the split in front, such as `"test_chrf"`.
        seconds (`float`): duration of the generation.
    """

    tokens: np.ndarray
    metrics: dict[str, float]
    seconds: float


def generate_outputs(trainer: Any, dataset: Any, split: str) -> GeneratedOutput:
    """See [`SequenceTrainer.predict_with_generate`].

    Raises:
        HfseqError: the task generates nothing.
    """
    task = trainer.task
    if not task.generates_text:
        raise HfseqError(f"{task.name} generates no outputs: use predict")
    with _generating(trainer):
        output = trainer.predict(dataset, metric_key_prefix=split)
    tokens = np.asarray(output.predictions)
    task.add_references(np.asarray(output.label_ids), split)
    metrics = {f"{split}_{name}": value for name, value in task.compute_generated_metrics(tokens, split).items()}
    return GeneratedOutput(tokens, metrics, (output.metrics or {}).get(f"{split}_runtime", 0.0))


@contextmanager
def _generating(trainer: Any) -> Iterator[None]:
    """While it lasts, predictions of a trainer are generated tokens, and no metrics are computed from them."""
    compute_metrics, trainer.compute_metrics = trainer.compute_metrics, None
    trainer.is_generating = True
    try:
        yield
    finally:
        trainer.is_generating, trainer.compute_metrics = False, compute_metrics
