"""A new head begins at what the labels say by themselves."""

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
    """The logits that fit the labels best if nothing is known of the inputs.

    With several labels an example, nearly all are absent. A head that begins at even odds learns that first, and
    drives the encoder's outputs together while it does: with many labels, a pretrained encoder then takes epochs to
    tell examples apart again (the prior of a detector's classes: Lin et al. 2017, "Focal loss", section 3.3).

    Args:
        encoded (`list`): the encoded labels of the training split.
        labels (`LabelSchema`): what they mean.
        class_weights (`tuple[float, ...]`, *optional*): of several labels, what a present one counts in the loss.
        label_smoothing (`float`, *optional*, defaults to 0.0): share of the target spread over all labels.

    Returns:
        `tuple[float, ...]`, *optional*: of several labels the log-odds of each, of a regression the mean; `None` for
        one label an example, which a softmax treats evenly from the beginning.
    """
    values = np.asarray(encoded, float)
    if labels.problem_type == REGRESSION:
        return (float(values.mean()),)
    if labels.problem_type != MULTI_LABEL:
        return None
    # Half an example more on either side: no label is certain.
    present = (values.sum(0) + 0.5) / (len(values) + 1)
    present = present * (1 - label_smoothing) + label_smoothing / 2
    odds = np.asarray(class_weights or 1.0) * present / (1 - present)
    return tuple(float(value) for value in np.log(odds))


def set_prior(model: Any, prior: tuple[float, ...], fresh: Collection[str]) -> None:
    """Makes a prior the bias of a model's last layer, where that layer has one and is new.

    Args:
        model (`PreTrainedModel`): a model that is about to be trained.
        prior (`tuple[float, ...]`): one logit a label.
        fresh (`Collection[str]`): the names of the parameters that begin anew.
    """
    inside = f"{model.base_model_prefix}."
    biases = [
        parameter
        for name, parameter in model.named_parameters()
        if name in fresh and name.endswith("bias") and not name.startswith(inside) and parameter.shape == (len(prior),)
    ]
    if biases:
        with torch.no_grad():
            biases[-1].copy_(torch.tensor(prior))
