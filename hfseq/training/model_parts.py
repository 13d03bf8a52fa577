"""The body of a model, which came with its checkpoint, and the head that is put on it."""

from collections.abc import Collection
from types import MethodType

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
    frozen = {id(parameter) for parameter in _body_of(model).parameters()}
    names = [name for name, parameter in model.named_parameters() if name in fresh or id(parameter) not in frozen]
    # A table of embeddings that tells tokens as well as it reads them is the body's, and a bias alone tells nothing.
    if not any(model.get_parameter(name).dim() > 1 for name in names):
        raise HfseqError(
            f"finetuning `frozen` leaves nothing to train: {type(model).__name__} has no head apart from its "
            "embeddings; use `whole` or `lora`"
        )
    return names


def keep_body_in_evaluation_mode(model: PreTrainedModel) -> None:
    """Keeps the frozen body of a model as it is: the running statistics of batch normalisation do not move, and
    dropout is off, also where the model is set to training mode.

    Args:
        model (`PreTrainedModel`): a model of whose parameters only those of [`head_parameters`] are trained.
    """
    body = _body_of(model)
    body.train = MethodType(_evaluate, body)  # type: ignore[method-assign]
    body.eval()


def _evaluate(module: nn.Module, mode: bool = True) -> nn.Module:
    return nn.Module.train(module, False)


def _body_of(model: PreTrainedModel) -> nn.Module:
    return model.get_encoder() if model.config.is_encoder_decoder else model.base_model
