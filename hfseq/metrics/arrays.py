"""Checks on the arrays that metrics are computed from, with the row in each message."""

from typing import Any

import numpy as np

from hfseq.errors import HfseqError


def as_array(values: Any, name: str) -> np.ndarray:
    """A non-empty float64 array, (rows,) or (rows, columns).

    Args:
        values (`Any`): numbers, nested lists or an array.
        name (`str`): what the values are called in a message.

    Raises:
        HfseqError: where the rows are of unequal length, not numbers, missing, or nested deeper than twice.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise HfseqError(f"{name} must be numbers, with equally many in each row: {error}") from error
    if array.ndim not in (1, 2):
        raise HfseqError(f"{name} must be of shape (rows,) or (rows, columns), not {array.shape}.")
    if array.size == 0:
        raise HfseqError(f"{name} is empty (shape {array.shape}); give at least one row.")
    return array


def first_row(wrong: np.ndarray) -> int:
    """The index of the first row of a boolean array, (rows,) or (rows, columns), that holds a true value."""
    return int(np.argwhere(wrong)[0, 0])


def as_finite(values: Any, name: str) -> np.ndarray:
    """[`as_array`], without NaN and infinity.

    Raises:
        HfseqError: naming the first row that is not finite.
    """
    array = as_array(values, name)
    wrong = ~np.isfinite(array)
    if wrong.any():
        row = first_row(wrong)
        raise HfseqError(f"{name} must be finite, but row {row} is {array[row]}; drop or repair such rows.")
    return array


def same_rows(references: np.ndarray, predictions: np.ndarray) -> None:
    """Holds two arrays to the same number of rows, and two matrices to the same number of columns.

    Raises:
        HfseqError: with both shapes.
    """
    columns_differ = references.ndim == predictions.ndim == 2 and references.shape != predictions.shape
    if len(references) != len(predictions) or columns_differ:
        raise HfseqError(f"references {references.shape} and predictions {predictions.shape} must agree in shape.")


def class_ids(array: np.ndarray, name: str, num_classes: int | None = None) -> np.ndarray:
    """Class ids as integers.

    Args:
        array (`np.ndarray`): (rows,) or (rows, labels), finite.
        name (`str`): what the values are called in a message.
        num_classes (`int`, *optional*): the ids must lie in 0 .. num_classes - 1; without it any whole number will do.

    Raises:
        HfseqError: naming the first row that is not a whole number, or out of range.
    """
    wrong = array != np.floor(array)
    if wrong.any():
        row = first_row(wrong)
        raise HfseqError(
            f"{name} must be class ids (whole numbers), but row {row} is {array[row]}; "
            "turn scores into ids first, with argmax or a threshold."
        )
    ids = array.astype(np.int64)
    if num_classes is not None:
        wrong = (ids < 0) | (ids >= num_classes)
        if wrong.any():
            row = first_row(wrong)
            raise HfseqError(
                f"{name} must be class ids from 0 to {num_classes - 1} ({num_classes} classes), but row {row} is "
                f"{ids[row]}; check the label column and the model's num_labels."
            )
    return ids


def binary_labels(array: np.ndarray, name: str) -> np.ndarray:
    """Labels that are absent (0) or present (1), as integers.

    Raises:
        HfseqError: naming the first row that holds anything else.
    """
    wrong = (array != 0) & (array != 1)
    if wrong.any():
        row = first_row(wrong)
        raise HfseqError(f"{name} must be 0 or 1, but row {row} is {array[row]}.")
    return array.astype(np.int64)


def probabilities(array: np.ndarray, name: str, rows_sum_to_one: bool) -> np.ndarray:
    """Probabilities; with `rows_sum_to_one`, each row is scaled to sum to one to the last bit.

    Args:
        array (`np.ndarray`): (rows,) or (rows, columns), finite.
        name (`str`): what the values are called in a message.
        rows_sum_to_one (`bool`): whether a row is a distribution over classes. Sums off by up to 1 % are taken for
            the rounding of a half-precision softmax.

    Raises:
        HfseqError: naming the first row that is no probability.
    """
    # An average of float32 probabilities may stand a rounding error outside.
    wrong = (array < -1e-6) | (array > 1 + 1e-6)
    if wrong.any():
        row = first_row(wrong)
        raise HfseqError(
            f"{name} must be probabilities between 0 and 1, but row {row} is {array[row]}; "
            "put logits through a softmax or a sigmoid first."
        )
    array = array.clip(0.0, 1.0)
    if not rows_sum_to_one:
        return array
    sums = array.sum(axis=1, keepdims=True)  # (rows, 1)
    wrong = np.abs(sums - 1) > 1e-2
    if wrong.any():
        row = first_row(wrong)
        raise HfseqError(
            f"each row of {name} must sum to 1, but row {row} sums to {sums[row, 0]:.4g}; "
            "where a row may have several labels, give one column of references a label."
        )
    return array / sums
