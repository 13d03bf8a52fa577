"""Any encoder of transformers for numeric inputs: base class of the models, and the backbone."""

import inspect
import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput
from transformers.utils import can_return_tuple

from .configuration_feature_transformer import FeatureTransformerConfig
from .left_alignment import LeftAlignment

try:
    from hfseq.models.saved_code import has_own_code, save_own_code
except ImportError:  # hfseq is not installed: all code is in the folder of the saved model
    has_own_code = save_own_code = None  # type: ignore[assignment]

# Encoders that accept vectors, but need something that only tokens have.
_TOKEN_ENCODERS = {
    "longformer": "pads its attention window with padding tokens",
    "mpnet": "counts positions from a padding token, which must be in the vocabulary",
    "xmod": "needs the language of each sequence",
}


@dataclass
class EncodedSteps:
    """
    Outputs of the backbone for a batch, with the real steps of each row first.

    Attributes:
        outputs (`torch.Tensor` of shape `(batch, length, hidden_size)`): the outputs of the last layer.
        hidden_states (`tuple[torch.Tensor, ...]`, *optional*): the outputs of all layers, if requested.
        alignment (`LeftAlignment`): the original positions of the steps.
    """

    outputs: Tensor
    hidden_states: tuple[Tensor, ...] | None
    alignment: LeftAlignment

    def restored_hidden_states(self) -> tuple[Tensor, ...] | None:
        """The hidden states, if any, with steps at their original positions; zero at padding."""
        if self.hidden_states is None:
            return None
        return tuple(self.alignment.restore(states) for states in self.hidden_states)


class NoEmbeddings(nn.Module):
    """Replaces the token embeddings of an encoder: zeros for all tokens, without parameters.

    Args:
        embedding_dim (`int`): size of an embedding.
    """

    def __init__(self, embedding_dim: int):
        super().__init__()
        self.embedding_dim = embedding_dim

    def forward(self, input_ids: Tensor) -> Tensor:
        # Some encoders pad the length with padding tokens.
        return torch.zeros(*input_ids.shape, self.embedding_dim, device=input_ids.device)


def _reference(model_class: type) -> str:
    """File and class, in the form of `auto_map`."""
    return f"{model_class.__module__.rpartition('.')[2]}.{model_class.__name__}"


class FeatureTransformerPreTrainedModel(PreTrainedModel):
    """Base class of the models: configuration class, and saving of the code."""

    config_class = FeatureTransformerConfig
    config: FeatureTransformerConfig
    base_model_prefix = "model"
    main_input_name = "input_features"
    supports_gradient_checkpointing = True

    def get_input_embeddings(self) -> nn.Module:
        # Numeric inputs have no embeddings.
        return None  # type: ignore[return-value]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        names = cls._auto_classes()
        if names:
            # Saving copies the code of a class that has this attribute.
            cls._auto_class = names[0]

    def save_pretrained(  # type: ignore[override]
        self, save_directory: str | os.PathLike, push_to_hub: bool = False, **kwargs: Any
    ) -> None:
        """Saves the weights, the configuration, and the code that loads them where hfseq is not installed. That
        includes the code of a subclass outside hfseq.

        Takes the arguments of [`~transformers.PreTrainedModel.save_pretrained`].
        """
        self.config.auto_map = self._auto_map()
        has_own = has_own_code is not None and has_own_code(self)
        super().save_pretrained(save_directory, push_to_hub=push_to_hub and not has_own, **kwargs)
        if has_own:
            save_own_code(self, save_directory, push_to_hub, **kwargs)

    def _auto_map(self) -> dict[str, str]:
        """For each Auto class that loads a saved folder, the file and the class: this class, and its backbone."""
        references = dict.fromkeys(self._auto_classes() or filter(None, [self._auto_class]), _reference(type(self)))
        if "AutoModel" in self.config.model_classes:
            references["AutoModel"] = _reference(type(self.base_model))
        return references

    @classmethod
    def _auto_classes(cls) -> list[str]:
        """The Auto classes of transformers that load this class, or the class of hfseq that it is derived from."""
        table = getattr(cls.config_class, "model_classes", {})
        for base in cls.__mro__:
            names = [name for name, reference in table.items() if reference == _reference(base)]
            if names:
                return names
        return []


class FeatureTransformerModel(FeatureTransformerPreTrainedModel):
    """An encoder over numeric steps: each step is projected, normalised, and used like a token embedding.

    The hidden states of a sequence do not depend on its padding, or on the other sequences of the batch, up to
    rounding. A few encoders approximate attention over the padded length, and are an exception.

    Raises:
        ValueError: the configuration has no `input_features`, or the encoder does not accept vectors.
    """

    def __init__(self, config: FeatureTransformerConfig):
        super().__init__(config)
        if config.input_features is None:
            raise ValueError("the configuration needs input_features, the size of one step")
        self.encoder = _make_encoder(config)
        positions = getattr(self.encoder.config, "max_position_embeddings", None)
        self.longest = None if positions is None else positions - _first_position(self.encoder)
        size: int = self.encoder.get_input_embeddings().embedding_dim  # type: ignore[assignment]
        self.projection = nn.Linear(config.input_features, size)
        self.norm = nn.LayerNorm(size)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_features: Tensor,
        attention_mask: Tensor | None = None,
        output_hidden_states: bool | None = None,
    ) -> BaseModelOutput:
        """
        Args:
            input_features (`torch.Tensor` of shape `(batch, length, input_features)`): the sequences.
            attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): 1 at real steps, 0 at padding,
                which may be anywhere. By default all steps are real.
            output_hidden_states (`bool`, *optional*): whether to return the outputs of all layers.

        Raises:
            ValueError: the inputs or the mask have another shape, or are too long for the encoder.
        """
        encoded = self.encode(input_features, attention_mask, output_hidden_states)
        return BaseModelOutput(
            last_hidden_state=encoded.alignment.restore(encoded.outputs),  # (batch, length, hidden)
            hidden_states=encoded.restored_hidden_states(),
        )

    def encode(
        self, input_features: Tensor, attention_mask: Tensor | None = None, output_hidden_states: bool | None = None
    ) -> EncodedSteps:
        """Like [`forward`], but with the real steps at the left of each row, for heads that need real steps only.

        Raises:
            ValueError: the inputs or the mask have another shape, or are too long for the encoder.
        """
        if input_features.dim() != 3 or input_features.size(-1) != self.config.input_features:
            raise ValueError(
                f"input_features must have the shape (batch, length, {self.config.input_features}), "
                f"not {tuple(input_features.shape)}"
            )
        batch, length, _ = input_features.shape
        longest = self.longest
        if longest is not None and length > longest:
            raise ValueError(f"the inputs have {length} steps, which is more than max_position_embeddings ({longest})")
        if output_hidden_states is None:
            output_hidden_states = self.config.output_hidden_states
        alignment = LeftAlignment(attention_mask, (batch, length))
        features = alignment.align(input_features.to(self.dtype))
        outputs = self.encoder(
            inputs_embeds=self.norm(self.projection(features)),  # (batch, length, size)
            attention_mask=None if alignment.mask is None else alignment.mask.long(),
            output_hidden_states=output_hidden_states,
        )
        return EncodedSteps(outputs.last_hidden_state, outputs.hidden_states, alignment)


def _make_encoder(config: FeatureTransformerConfig) -> PreTrainedModel:
    # Not at the top: this file is imported while transformers imports its Auto classes, to register the family.
    from transformers import AutoModel

    _reject_token_encoders(config.encoder_type)
    encoder_config = config.make_encoder_config()
    encoder = AutoModel.from_config(encoder_config)
    first = _first_position(encoder)
    if first and config.max_position_embeddings is not None:
        # So that the maximum length is max_position_embeddings.
        encoder_config.max_position_embeddings = config.max_position_embeddings + first
        encoder = AutoModel.from_config(encoder_config)
    known = inspect.signature(encoder.forward).parameters
    missing = sorted({"inputs_embeds", "attention_mask"} - set(known))
    if missing or encoder.config.is_encoder_decoder:
        reason = f"does not accept {' and '.join(missing)}" if missing else "has a decoder"
        raise ValueError(
            f"encoder_type {config.encoder_type!r} {reason}: choose one that accepts vectors, such as 'modernbert'"
        )
    # Not used: a pooler is for heads that read the first step only, and the embeddings are for tokens.
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None
    encoder.set_input_embeddings(NoEmbeddings(encoder.get_input_embeddings().weight.size(1)))
    return encoder


def _reject_token_encoders(encoder_type: str) -> None:
    reason = _TOKEN_ENCODERS.get(encoder_type)
    if reason is not None:
        raise ValueError(
            f"encoder_type {encoder_type!r} {reason}: choose one that accepts vectors, such as 'modernbert' or 'bert'"
        )


def _first_position(encoder: PreTrainedModel) -> int:
    """Index of the position embedding of the first step.

    RoBERTa and similar encoders begin after the index of the padding token, whose embedding is zero.
    """
    for name, module in encoder.named_modules():
        padding = getattr(module, "padding_idx", None)
        if name.endswith("embeddings.position_embeddings") and padding is not None:
            return padding + 1
    return 0
