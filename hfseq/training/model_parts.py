"""The body of a model, which comes from its checkpoint, and its head."""

from collections.abc import Collection
from types import MethodType

from torch import nn
from transformers import PreTrainedModel

from hfseq.errors import HfseqError


def is_of_body(model: PreTrainedModel, name: str) -> bool:
    """Whether a weight belongs to the body, which does not depend on the task.

    Args:
        model (`PreTrainedModel`): the model.
        name (`str`): name of the weight.
    """
    # Encoder-decoders have no backbone with a head: all their weights belong to the checkpoint.
    return model.base_model is model or name.startswith(f"{model.base_model_prefix}.")


def head_parameters(model: PreTrainedModel, fresh: Collection[str]) -> list[str]:
    """Parameters that are trained if the body is frozen: the head, and all new parameters.

    In an encoder-decoder, the encoder is frozen and the decoder is the head.

    Args:
        model (`PreTrainedModel`): the model.
        fresh (`Collection[str]`): names of the new parameters.

    Returns:
        `list[str]`: names of parameters.

    Raises:
        HfseqError: there is no head apart from the body.
    """
    frozen = {id(parameter) for parameter in _body_of(model).parameters()}
    names = [name for name, parameter in model.named_parameters() if name in fresh or id(parameter) not in frozen]
    # Tied embeddings belong to the body, and a bias alone is not a head.
    if not any(model.get_parameter(name).dim() > 1 for name in names):
        raise HfseqError(
            f"finetuning `frozen` leaves nothing to train: {type(model).__name__} has no head apart from its "
            "embeddings; use `whole` or `lora`"
        )
    return names


def keep_body_in_evaluation_mode(model: PreTrainedModel) -> None:
    """Keeps the frozen body of a model in evaluation mode, also if the model is set to training mode.

    The statistics of batch normalisation do not change, and dropout is off.

    Args:
        model (`PreTrainedModel`): a model of which only the [`head_parameters`] are trained.
    """
    body = _body_of(model)
    body.train = MethodType(_evaluate, body)  # type: ignore[method-assign]
    body.eval()


def _evaluate(module: nn.Module, mode: bool = True) -> nn.Module:
    return nn.Module.train(module, False)


def _body_of(model: PreTrainedModel) -> nn.Module:
    return model.get_encoder() if model.config.is_encoder_decoder else model.base_model
