"""Initialises the bias of a new head to the label prior."""

from collections.abc import Collection
from typing import Any

import numpy as np
import torch

from hfseq.data.labels.inference import LabelSchema
from hfseq.data.labels.schema import MULTI_LABEL, REGRESSION


def label_prior(
    encoded: list[Any],
    labels: LabelSchema,
    class_weights: tuple[float, ...] | None = None,
    label_smoothing: float = 0.0,
) -> tuple[float, ...] | None:
    """The logits with the lowest training loss if the inputs are ignored.

    In multi-label data, most labels are absent from most examples. A head that starts at a probability of 0.5 learns
    this first, and its gradients make the outputs of the encoder similar to each other. With many labels, a pretrained
    encoder then needs several epochs to distinguish examples again. Lin et al. 2017 ("Focal loss", section 3.3) use
    the same prior for the classes of a detector.

    Args:
        encoded (`list`): the encoded labels of the training split.
        labels (`LabelSchema`): problem type and names of the labels.
        class_weights (`tuple[float, ...]`, *optional*): for multi-label data, weight of each present label in the
            loss.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target spread over all labels.

    Returns:
        `tuple[float, ...]`, *optional*: the log-odds of each label for multi-label data, the mean for regression;
        `None` for single-label data.
    """
    values = np.asarray(encoded, float)
    if labels.problem_type == REGRESSION:
        return (float(values.mean()),)
    if labels.problem_type != MULTI_LABEL:
        return None
    # Half an example is added to both counts, so that no probability is 0 or 1.
    present = (values.sum(0) + 0.5) / (len(values) + 1)
    present = present * (1 - label_smoothing) + label_smoothing / 2
    odds = np.asarray(class_weights or 1.0) * present / (1 - present)
    return tuple(float(value) for value in np.log(odds))


def set_prior(model: Any, prior: tuple[float, ...], new_parameters: Collection[str]) -> None:
    """Copies the prior to the bias of a model's last layer, if that layer is new and has a bias.

    Args:
        model (`PreTrainedModel`): a model before its training.
        prior (`tuple[float, ...]`): one logit per label.
        new_parameters (`Collection[str]`): names of the parameters that are not from a checkpoint.
    """
    backbone = f"{model.base_model_prefix}."
    biases = [
        parameter
        for name, parameter in model.named_parameters()
        if name in new_parameters
        and name.endswith("bias")
        and not name.startswith(backbone)
        and parameter.shape == (len(prior),)
    ]
    if biases:
        with torch.no_grad():
            biases[-1].copy_(torch.tensor(prior))
