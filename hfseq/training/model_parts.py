"""The body of a model, which came with its checkpoint, and the head that is put on it."""

from collections.abc import Collection

from torch import nn
from transformers import PreTrainedModel

from hfseq.errors import HfseqError


def is_of_body(model: PreTrainedModel, name: str) -> bool:
    """Whether a weight is the checkpoint's own, whatever a model is trained for.

    Args:
        model (`PreTrainedModel`): the model.
        name (`str`): the weight's name.
    """
    # Models of two halves of any kind have no backbone to put a head on: all of them is the checkpoint's.
    return model.base_model is model or name.startswith(f"{model.base_model_prefix}.")


def head_parameters(model: PreTrainedModel, fresh: Collection[str]) -> list[str]:
    """What is trained where a body is frozen: the head, even one that came with the checkpoint, and what is new.

    A model that writes what it has read is frozen where it reads: its decoder is the head.

    Args:
        model (`PreTrainedModel`): the model.
        fresh (`Collection[str]`): the names of the parameters that begin anew.

    Returns:
        `list[str]`: names of parameters.

    Raises:
        HfseqError: there is no head apart from the body.
    """
    body: nn.Module = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
    frozen = {id(parameter) for parameter in body.parameters()}
    names = [name for name, parameter in model.named_parameters() if name in fresh or id(parameter) not in frozen]
    # A table of embeddings that tells tokens as well as it reads them is the body's, and a bias alone tells nothing.
    if not any(model.get_parameter(name).dim() > 1 for name in names):
        raise HfseqError(
            f"finetuning `frozen` leaves nothing to train: {type(model).__name__} has no head apart from its "
            "embeddings; use `whole` or `lora`"
        )
    return names
