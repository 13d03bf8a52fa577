"""Class weights in the loss."""

import math
from typing import Any

import numpy as np

from hfseq.data.labels.inference import LabelSchema
from hfseq.errors import HfseqError


def balanced_class_weights(encoded: list[Any], labels: LabelSchema) -> tuple[float, ...]:
    """Weights inversely proportional to the class frequencies; their mean over the examples is 1 (King & Zeng 2001).

    For multi-label data, the weight of a label is its ratio of negative to positive examples.

    Args:
        encoded (`list`): the encoded labels of the training split.
        labels (`LabelSchema`): problem type and names of the labels.

    Raises:
        HfseqError: for a regression.
    """
    if labels.problem_type == "regression":
        raise HfseqError("class_weights are for classification, not for regression")
    if labels.problem_type == "multi_label_classification":
        positive = np.asarray(encoded).sum(0).clip(min=1)
        negative = (len(encoded) - positive).clip(min=1)
        return tuple(float(value) for value in negative / positive)
    counts = np.bincount(np.asarray(encoded), minlength=labels.num_labels).clip(min=1)
    return tuple(float(value) for value in len(encoded) / (labels.num_labels * counts))


def read_class_weights(text: str | None, encoded: list[Any], labels: LabelSchema) -> tuple[float, ...] | None:
    """Reads the value of `--class_weights`.

    Args:
        text (`str`, *optional*): `balanced`, or one weight per label: `1.0,2.5`.
        encoded (`list`): the encoded labels of the training split.
        labels (`LabelSchema`): problem type and names of the labels.

    Raises:
        HfseqError: if the text is neither.
    """
    if text is None:
        return None
    if text == "balanced":
        return balanced_class_weights(encoded, labels)
    try:
        weights = tuple(float(part) for part in text.split(","))
    except ValueError:
        weights = ()
    if not weights or not all(0 < weight < math.inf for weight in weights):
        raise HfseqError(f"class_weights must be `balanced` or numbers above 0 such as `1.0,2.5`, not {text!r}")
    return weights
