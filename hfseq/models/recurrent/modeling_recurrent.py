"""Base class of the recurrent models, and the backbone."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.utils import ModelOutput, can_return_tuple

from .configuration_recurrent import RecurrentConfig
from .min_cells import MinCell, MinLSTM
from .recurrent_cell import RecurrentCell
from .recurrent_stack import RecurrentStack, RecurrentState, embed_with_dropout, token_dropout
from .sequence_layout import SequenceLayout

try:
    from hfseq.models.saved_code import has_own_code, save_own_code
except ImportError:  # hfseq is not installed: all code is in the folder of the saved model
    has_own_code = save_own_code = None  # type: ignore[assignment]


@dataclass
class RecurrentModelOutput(ModelOutput):
    """
    Output of [`RecurrentModel`].

    Args:
        last_hidden_state (`torch.Tensor` of shape `(batch, length, output_size)`):
            Outputs of the last layer, with the two directions concatenated; zero at padding.
        past_key_values (`RecurrentState`, *optional*):
            The state after the last real token, with `use_cache`.
        hidden_states (`tuple[torch.Tensor, ...]`, *optional*):
            Inputs of the first layer and outputs of each layer, with `output_hidden_states`.
    """

    last_hidden_state: Tensor | None = None
    past_key_values: RecurrentState | None = None
    hidden_states: tuple[Tensor, ...] | None = None


@dataclass
class EncodedTokens:
    """
    Outputs of the backbone for a batch, for real tokens only.

    Attributes:
        embedded (`torch.Tensor` of shape `(num_tokens, size)`): the inputs of the first layer.
        outputs (`tuple[torch.Tensor, ...]` of shape `(num_tokens, output_size)`): the outputs of each layer.
        state (`RecurrentState`): the state after the last real token of each row.
        layout (`SequenceLayout`): the positions of the tokens.
    """

    embedded: Tensor
    outputs: tuple[Tensor, ...]
    state: RecurrentState
    layout: SequenceLayout

    def hidden_states(self) -> tuple[Tensor, ...]:
        """Inputs of the first layer and outputs of each layer, `(batch, length, size)`, zero at padding."""
        return tuple(self.layout.unpack(packed) for packed in (self.embedded, *self.outputs))


def _reference(model_class: type) -> str:
    """File and class, in the form of `auto_map`."""
    return f"{model_class.__module__.rpartition('.')[2]}.{model_class.__name__}"


class RecurrentPreTrainedModel(PreTrainedModel):
    """Base class of the models: configuration class, initialisation of weights, and saving of the code."""

    config_class = RecurrentConfig
    config: RecurrentConfig
    base_model_prefix = "model"
    main_input_name = "input_ids"
    _no_split_modules = ["RecurrentStack"]  # noqa: RUF012 (transformers reads a list from the class)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights; `torch.float32` if all of them are quantized."""
        return next((one.dtype for one in self.parameters() if one.is_floating_point()), torch.float32)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, (nn.RNNBase, MinCell)):
            for name, parameter in module.named_parameters():
                # transformers marks loaded parameters. A slice has no mark, so a whole new value is copied.
                init.copy_(parameter, self._initial_value(module, name, parameter))
        elif isinstance(module, RecurrentCell):
            module.reset_parameters()
        elif isinstance(module, nn.Linear):
            init.xavier_uniform_(module.weight)
            if module.bias is not None:
                init.zeros_(module.bias)
        else:
            super()._init_weights(module)

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
        includes the code of a subclass outside hfseq, and of a cell of a plug-in.

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

    def _token_outputs(self, encoded: EncodedTokens) -> Tensor:
        """Inputs of a head with an output per token, `(num_tokens, output_size)`: last outputs after dropout."""
        probability = self.config.classifier_dropout if self.training else 0.0
        return token_dropout(encoded.outputs[-1], encoded.layout, probability, self.config.locked_dropout)

    def _hidden_states(self, encoded: EncodedTokens, wanted: bool | None) -> tuple[Tensor, ...] | None:
        """The `hidden_states` of an output, if `wanted` or the configuration asks for them."""
        if wanted is None:
            wanted = self.config.output_hidden_states
        return encoded.hidden_states() if wanted else None

    def _initial_value(self, module: nn.RNNBase | MinCell, name: str, parameter: Tensor) -> Tensor:
        gates = parameter.size(0) // module.hidden_size
        value = torch.zeros_like(parameter)
        for gate in value.chunk(gates):
            if name.startswith("weight_hh"):
                nn.init.orthogonal_(gate)
            elif name.startswith("weight_ih"):
                nn.init.xavier_uniform_(gate)
        if isinstance(module, (nn.LSTM, MinLSTM)) and name.startswith("bias_ih"):
            value[module.hidden_size : 2 * module.hidden_size] = self.config.forget_gate_bias
        return value


class RecurrentModel(RecurrentPreTrainedModel):
    """The recurrent backbone: computes hidden states from tokens or features.

    The hidden states of a sequence do not depend on its padding, or on the other sequences of the batch.

    Raises:
        ValueError: the configuration has neither `vocab_size` nor `input_features`.
    """

    def __init__(self, config: RecurrentConfig):
        super().__init__(config)
        # With both, the vocabulary is that of the head.
        if config.input_features is not None:
            self.main_input_name = "input_features"
        elif config.vocab_size is not None:
            self.embed_tokens = nn.Embedding(config.vocab_size, config.embedding_size, config.pad_token_id)
        else:
            raise ValueError("the configuration needs vocab_size (for tokens) or input_features (for numeric series)")
        self.encoder = RecurrentStack(config, config.encoder_input_size)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        # A model of numeric series has no embeddings.
        return getattr(self, "embed_tokens", None)  # type: ignore[return-value]

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.embed_tokens = value  # type: ignore[assignment]

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        input_features: Tensor | None = None,
        past_key_values: RecurrentState | None = None,
        use_cache: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> RecurrentModelOutput:
        """
        Args:
            input_ids (`torch.LongTensor` of shape `(batch, length)`, *optional*): tokens.
            attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): 1 at real tokens, 0 at padding,
                which may be anywhere. By default all tokens are real.
            token_type_ids (`torch.Tensor`, *optional*): not used. Accepted so that the output of any tokenizer can be
                passed. The separator tells the model where the second text of a pair begins.
            inputs_embeds (`torch.Tensor` of shape `(batch, length, embedding_size)`, *optional*): embeddings instead
                of tokens.
            input_features (`torch.Tensor` of shape `(batch, length, input_features)`, *optional*): numeric series.
            past_key_values (`RecurrentState`, *optional*): the state to continue from.
            use_cache (`bool`, *optional*, defaults to the configuration's): whether to return the final state.
            output_hidden_states (`bool`, *optional*): whether to return the outputs of all layers.

        Raises:
            ValueError: not exactly one of the three inputs is given, or the mask has another shape.
        """
        encoded = self.encode(input_ids, attention_mask, inputs_embeds, input_features, past_key_values)
        if use_cache is None:
            use_cache = self.config.use_cache
        return RecurrentModelOutput(
            last_hidden_state=encoded.layout.unpack(encoded.outputs[-1]),  # (batch, length, output)
            past_key_values=encoded.state if use_cache else None,
            hidden_states=self._hidden_states(encoded, output_hidden_states),
        )

    def encode(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        input_features: Tensor | None = None,
        past_key_values: RecurrentState | None = None,
    ) -> EncodedTokens:
        """Like [`forward`], but returns packed outputs, for heads that need the real tokens only.

        Raises:
            ValueError: not exactly one of the three inputs is given, or the mask has another shape.
        """
        inputs, embed = self._choose_inputs(input_ids, inputs_embeds, input_features)
        shape = (inputs.size(0), inputs.size(1))
        if attention_mask is not None and attention_mask.shape != shape:
            raise ValueError(
                f"attention_mask has shape {tuple(attention_mask.shape)}, the inputs (batch, length) have {shape}"
            )
        layout = SequenceLayout.from_mask(attention_mask, shape, inputs.device)
        embedded = embed(layout.pack(inputs))  # (num_tokens, size)
        outputs, state = self.encoder(embedded, layout, past_key_values)
        return EncodedTokens(embedded, outputs, state, layout)

    def _choose_inputs(
        self, input_ids: Tensor | None, inputs_embeds: Tensor | None, input_features: Tensor | None
    ) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """The input that was given, and the function that computes its vectors."""
        given = {"input_ids": input_ids, "inputs_embeds": inputs_embeds, "input_features": input_features}
        names = [name for name, value in given.items() if value is not None]
        if len(names) != 1:
            raise ValueError(f"give exactly one of {', '.join(given)}; got {' and '.join(names) or 'none'}")
        if input_features is not None:
            if self.config.input_features is None:
                raise ValueError("input_features were given to a model of tokens: its configuration has vocab_size")
            return input_features, lambda features: features.to(self.dtype)
        if input_ids is None:
            return inputs_embeds, lambda embeddings: embeddings  # type: ignore[return-value]
        if self.config.input_features is not None:
            raise ValueError("input_ids were given to a model of numeric series: its configuration has input_features")
        return input_ids, self._embed_tokens

    def _embed_tokens(self, input_ids: Tensor) -> Tensor:
        probability = self.config.embedding_dropout if self.training else 0.0
        return embed_with_dropout(self.embed_tokens, input_ids, probability)
