"""Any model of transformers as an encoder that returns a sequence of feature vectors."""

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from .configuration_encoder_decoder import RecurrentEncoderDecoderConfig
from .configuration_recurrent import RecurrentConfig
from .modeling_recurrent import RecurrentModel


class SourceEncoder(nn.Module):
    """Runs the encoder and returns its outputs in the shape `(batch, length, features)`.

    Padding of sequences may be anywhere: for encoders with position embeddings, real tokens are moved to the left.

    Args:
        config (`RecurrentEncoderDecoderConfig`): has the configuration of the encoder.
        model (`PreTrainedModel`, *optional*): the encoder. By default a new one.

    Raises:
        ValueError: the encoder is an encoder-decoder, or its code cannot be saved next to the weights.
    """

    def __init__(self, config: RecurrentEncoderDecoderConfig, model: PreTrainedModel | None = None):
        super().__init__()
        _check_can_be_saved(config.encoder)  # type: ignore[arg-type]
        self.model = build_encoder(config.encoder) if model is None else model  # type: ignore[arg-type]
        self.main_input_name = self.model.main_input_name
        self.reads_images = self.main_input_name == "pixel_values"
        self.is_recurrent = self.model.config.model_type == RecurrentConfig.model_type
        self.frozen = config.encoder_frozen
        self.train()

    def train(self, mode: bool = True) -> "SourceEncoder":
        if self.frozen:
            # Here, because loading creates new parameters and then calls eval().
            self.requires_grad_(False)
        return super().train(mode and not self.frozen)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        input_features: Tensor | None = None,
        pixel_values: Tensor | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> BaseModelOutput:
        """
        Args:
            input_ids, token_type_ids, inputs_embeds, input_features, pixel_values: inputs of the encoder.
            attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): not used with images.
            output_hidden_states (`bool`, *optional*): whether to return the outputs of all layers of the encoder.
            output_attentions, return_dict: not used. Generation passes them to every encoder.

        Raises:
            ValueError: not exactly one kind of input is given, or the mask has another shape.
        """
        sources = {
            "input_ids": input_ids,
            "inputs_embeds": inputs_embeds,
            "input_features": input_features,
            "pixel_values": pixel_values,
        }
        given = {name: value for name, value in sources.items() if value is not None}
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(sources)}; got {' and '.join(given) or 'none'}")
        if token_type_ids is not None:
            given["token_type_ids"] = token_type_ids
        mask = None if self.reads_images else attention_mask
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            # Some encoders cannot return hidden states and do not have this argument.
            asked = {"output_hidden_states": True} if output_hidden_states else {}
            return self._encode(given, mask, asked)

    def summary(self, hidden: Tensor, real: Tensor | None) -> Tensor:
        """One vector per source: the final states of a recurrent encoder, or the mean of the outputs of others.

        Args:
            hidden (`torch.Tensor` of shape `(batch, length, features)`): the outputs, zero at padding.
            real (`torch.BoolTensor` of shape `(batch, length)`, *optional*): True at real positions.
        """
        if not self.is_recurrent:
            return hidden.mean(1) if real is None else hidden.sum(1) / real.sum(1, keepdim=True).clamp(min=1)
        # The final state of a direction is its output at the last token that it reads.
        if real is None:
            first, last = hidden[:, 0], hidden[:, -1]
        else:
            rows = torch.arange(len(hidden), device=hidden.device)
            first = hidden[rows, real.int().argmax(1)]
            last = hidden[rows, real.size(1) - 1 - real.flip(1).int().argmax(1)]
        if not self.model.config.bidirectional:
            return last
        size = self.model.config.hidden_size
        return torch.cat((last[:, :size], first[:, size:]), 1)  # (batch, features)

    def _encode(self, given: dict[str, Tensor], mask: Tensor | None, asked: dict[str, Any]) -> BaseModelOutput:
        order = None
        if mask is not None:
            shape = tuple(next(iter(given.values())).shape[:2])
            if mask.shape != shape:
                raise ValueError(
                    f"attention_mask has shape {tuple(mask.shape)}, the inputs (batch, length) have {shape}"
                )
            if not self.is_recurrent and mask.bool().int().diff(dim=1).gt(0).any():
                order = mask.bool().int().argsort(dim=1, descending=True, stable=True)  # (batch, length)
                given = {name: _take(value, order) for name, value in given.items()}
                mask = _take(mask, order)
            given = given | {"attention_mask": mask}
        outputs = self.model(**given, **asked, return_dict=True)
        layers = outputs.get("hidden_states")
        back = None if order is None else order.argsort(1)
        return BaseModelOutput(
            last_hidden_state=_as_sequence(outputs.last_hidden_state, back),
            hidden_states=None if layers is None else tuple(_as_sequence(layer, back) for layer in layers),
        )


def build_encoder(config: PreTrainedConfig) -> PreTrainedModel:
    """A new encoder with the given configuration.

    Raises:
        ValueError: the configuration is that of an encoder-decoder.
    """
    # Not at the top: this file is imported while transformers imports its Auto classes, to register the family.
    from transformers import AutoModel

    if config.is_encoder_decoder:
        raise ValueError(f"{type(config).__name__} is an encoder-decoder, so it cannot be the encoder of another one")
    # Compared by model type: if the code was loaded from the folder of a model, the Auto classes do not know it.
    if config.model_type == RecurrentConfig.model_type:
        return RecurrentModel(config)  # type: ignore[arg-type]
    return AutoModel.from_config(config, **without_pooler(config))


def _check_can_be_saved(config: PreTrainedConfig) -> None:
    # Saving copies the code of this folder only, so an encoder of another family of hfseq could not be loaded.
    family, _, _ = RecurrentConfig.model_type.partition("_")
    ours = config.model_type.startswith(f"{family}_") and config.model_type != RecurrentConfig.model_type
    if ours and not config.is_encoder_decoder:
        raise ValueError(
            f"{type(config).__name__} cannot be the encoder of an encoder-decoder, because its code is not saved: "
            f"choose {RecurrentConfig.model_type!r} or an encoder of transformers, such as 'bert' or 'vit'"
        )


def without_pooler(config: PreTrainedConfig) -> dict[str, bool]:
    """The argument that omits the pooling layer of an encoder, if it has one. The pooled output is not used."""
    from transformers import MODEL_MAPPING

    model_class = MODEL_MAPPING.get(type(config), None)
    # A few configurations belong to several models, none of which has a pooling layer.
    takes = isinstance(model_class, type) and "add_pooling_layer" in inspect.signature(model_class).parameters
    return {"add_pooling_layer": False} if takes else {}


def _take(padded: Tensor, order: Tensor) -> Tensor:
    """Orders the positions of each row of a `(batch, length, ...)` tensor."""
    rows = torch.arange(len(padded), device=padded.device).unsqueeze(1)
    return padded[rows, order]


def _as_sequence(hidden: Tensor, order: Tensor | None) -> Tensor:
    """Flattens the positions of a feature map `(batch, channels, height, width)` row by row."""
    if hidden.dim() == 4:
        return hidden.flatten(2).transpose(1, 2)  # (batch, height * width, channels)
    return hidden if order is None else _take(hidden, order)
