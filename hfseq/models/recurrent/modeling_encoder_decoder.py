"""Any encoder with a recurrent decoder: for translation, image captioning and speech recognition."""

import os
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput
from transformers.utils import can_return_tuple

from .configuration_encoder_decoder import RecurrentEncoderDecoderConfig
from .configuration_recurrent import RecurrentConfig
from .generation import RecurrentGenerationMixin
from .losses import sequence_to_sequence_loss
from .modeling_recurrent import RecurrentModel, RecurrentPreTrainedModel
from .recurrent_decoder import DecodedTokens, DecoderState, RecurrentDecoder
from .sequence_layout import SequenceLayout
from .source_encoder import SourceEncoder, without_pooler
from .target_tokens import tokens_before, tokens_to_read


class RecurrentEncoderDecoder(RecurrentPreTrainedModel, RecurrentGenerationMixin):
    """An encoder of any kind with a recurrent decoder that attends to its outputs.

    The result for a pair of source and target does not depend on padding, or on the other pairs of the batch.
    `generate()` runs the encoder once. The size of its [`DecoderState`] does not grow with the target.

    Args:
        config (`RecurrentEncoderDecoderConfig`): with `encoder` and `vocab_size`.
        encoder (`PreTrainedModel`, *optional*): the encoder. By default a new one from the configuration.

    Raises:
        ValueError: the configuration has no `encoder` or no `vocab_size`, or the encoder cannot be used.
    """

    config_class = RecurrentEncoderDecoderConfig  # type: ignore[assignment]
    config: RecurrentEncoderDecoderConfig  # type: ignore[assignment]
    base_model_prefix = ""
    # Trainer then passes num_items_in_batch, and the loss is divided by it.
    accepts_loss_kwargs = True
    # An earlier state cannot be restored, which assisted generation would need.
    _is_stateful = True
    # The attention implementation applies to the encoder, which checks it itself.
    _supports_sdpa = True
    _supports_flash_attn = True
    _tied_weights_keys = {"lm_head.weight": "decoder.embed_tokens.weight"}  # noqa: RUF012 (transformers reads a dict)

    def __init__(self, config: RecurrentEncoderDecoderConfig, encoder: PreTrainedModel | None = None):
        for name in ("encoder", "vocab_size"):
            if getattr(config, name) is None:
                raise ValueError(f"the configuration of an encoder-decoder needs {name}")
        super().__init__(config)
        self.encoder = SourceEncoder(config, encoder)
        self.main_input_name = self.encoder.main_input_name
        self.decoder = RecurrentDecoder(config)
        self.lm_head = nn.Linear(self.decoder.output_size, config.vocab_size)  # type: ignore[arg-type]
        self.post_init()

    @classmethod
    def from_encoder_pretrained(
        cls, path: str | os.PathLike, encoder_arguments: dict[str, Any] | None = None, **settings: Any
    ) -> "RecurrentEncoderDecoder":
        """A pretrained encoder with a new decoder.

        Args:
            path (`str`): the folder of the encoder, or its name on the Hub.
            encoder_arguments (`dict`, *optional*): further arguments of the encoder's `from_pretrained`.
            settings: fields of [`RecurrentEncoderDecoderConfig`], such as `vocab_size`.
        """
        # Not at the top: this file is imported while transformers imports its Auto classes, to register the family.
        from transformers import AutoConfig, AutoModel

        # The decoder is in single precision, so the encoder is loaded in it, too.
        arguments = {"dtype": torch.float32, **(encoder_arguments or {})}
        encoder: PreTrainedModel
        if PreTrainedConfig.get_config_dict(path, **arguments)[0].get("model_type") == RecurrentConfig.model_type:
            encoder = RecurrentModel.from_pretrained(path, **arguments)
        else:
            config = AutoConfig.from_pretrained(path, **arguments)
            encoder = AutoModel.from_pretrained(path, **without_pooler(config), **arguments)
        attention = encoder.config._attn_implementation
        model = cls(RecurrentEncoderDecoderConfig(encoder=encoder.config, **settings), encoder)
        # The outer configuration overwrites the attention implementation of the inner one.
        encoder.config._attn_implementation = attention
        return model

    def get_input_embeddings(self) -> nn.Module:
        return self.decoder.embed_tokens

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.decoder.embed_tokens = value  # type: ignore[assignment]

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        self.lm_head = new_embeddings

    def prepare_decoder_input_ids_from_labels(self, labels: Tensor) -> Tensor:
        """The decoder inputs that belong to the labels: the start token, then all labels except the last.

        Args:
            labels (`torch.LongTensor` of shape `(batch, target_length)`): -100 at padding, on any side. The result
                has the padding token there.

        Raises:
            ValueError: the configuration has no start token.
        """
        return tokens_before(labels, self.config.start_token_id, self.config.pad_token_id)

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        decoder_input_ids: Tensor | None = None,
        decoder_attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        input_features: Tensor | None = None,
        pixel_values: Tensor | None = None,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        encoder_outputs: BaseModelOutput | tuple[Tensor, ...] | None = None,
        past_key_values: DecoderState | None = None,
        use_cache: bool | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> Seq2SeqLMOutput:
        """
        Args:
            input_ids, inputs_embeds, input_features, pixel_values (`torch.Tensor`, *optional*): the sources: exactly
                one input of the encoder.
            attention_mask (`torch.Tensor` of shape `(batch, source_length)`, *optional*): 1 at real positions of
                the sources, 0 at padding, which may be anywhere. By default all positions are real. Not used for
                images.
            decoder_input_ids (`torch.LongTensor` of shape `(batch, target_length)`, *optional*): the start token and
                the targets. By default computed from the labels.
            decoder_attention_mask (`torch.Tensor` of shape `(batch, target_length)`, *optional*): 1 at real target
                tokens. By default all tokens are real; with labels, all tokens up to the last label.
            token_type_ids (`torch.Tensor`, *optional*): passed to the encoder.
            labels (`torch.LongTensor` of shape `(batch, target_length)`, *optional*): the next token for each of
                `decoder_input_ids`; -100 is ignored.
            num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of labels in the whole batch, if this is
                a part of it. The loss is divided by it.
            encoder_outputs (`BaseModelOutput` or `tuple`, *optional*): outputs of the encoder, instead of the sources.
            past_key_values (`DecoderState`, *optional*): the state to continue from. The sources are then not used.
            use_cache (`bool`, *optional*, defaults to the configuration's): whether to return the state.
            output_attentions (`bool`, *optional*): whether to return the attention weights of the decoder: a tuple
                with one tensor `(batch, 1, target_length, source_length)`. Those of the encoder are not returned.
            output_hidden_states (`bool`, *optional*): whether to return the outputs of all layers.

        Raises:
            ValueError: there is not exactly one source and a target, or a mask has another shape.
        """
        if output_attentions is None:
            output_attentions = self.config.output_attentions
        if output_hidden_states is None:
            output_hidden_states = self.config.output_hidden_states
        if past_key_values is None:
            if encoder_outputs is None:
                encoder_outputs = self.encoder(
                    input_ids, attention_mask, token_type_ids, inputs_embeds, input_features, pixel_values,
                    output_hidden_states=output_hidden_states,
                )  # fmt: skip
            past_key_values = self._begin(encoder_outputs[0], attention_mask)
        inputs, mask = tokens_to_read(decoder_input_ids, decoder_attention_mask, labels, self.config)
        layout = SequenceLayout.from_mask(mask, (inputs.size(0), inputs.size(1)), inputs.device)
        decoded: DecodedTokens = self.decoder(inputs, layout, past_key_values, bool(output_attentions))
        logits = self.lm_head(F.dropout(decoded.outputs, self.config.dropout, self.training))  # (num_tokens, vocab)
        loss = None
        if labels is not None:
            smoothing = self.config.label_smoothing
            loss = sequence_to_sequence_loss(logits, layout.pack(labels), smoothing, num_items_in_batch)
        if use_cache is None:
            use_cache = self.config.use_cache
        hidden = (decoded.embedded, *decoded.layers) if output_hidden_states else ()
        return Seq2SeqLMOutput(
            loss=loss,
            logits=layout.unpack(logits),  # (batch, length, vocab)
            past_key_values=decoded.state if use_cache else None,  # type: ignore[arg-type]
            decoder_hidden_states=tuple(layout.unpack(layer) for layer in hidden) or None,
            cross_attentions=None if decoded.weights is None else (decoded.weights.unsqueeze(1),),
            encoder_last_hidden_state=None if encoder_outputs is None else encoder_outputs[0],
            encoder_hidden_states=getattr(encoder_outputs, "hidden_states", None),
        )

    def prepare_inputs_for_generation(self, input_ids: Tensor, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """The arguments that `generate()` passes to [`forward`]: the start of the targets, then single tokens."""
        inputs = super().prepare_inputs_for_generation(input_ids, **kwargs)  # type: ignore[misc,arg-type]
        mask = inputs.get("decoder_attention_mask")
        if mask is not None:
            inputs["decoder_attention_mask"] = mask[:, -inputs["decoder_input_ids"].size(1) :]
        return inputs

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        # The first forward pass creates the state. Otherwise generate would pass a cache of keys and values.
        return False

    def _begin(self, hidden: Tensor, mask: Tensor | None) -> DecoderState:
        if hidden.size(-1) != self.config.source_size:
            raise ValueError(
                f"the outputs of the encoder have {hidden.size(-1)} features, but the decoder expects "
                f"{self.config.source_size}: set encoder_output_size={hidden.size(-1)}"
            )
        real = None if mask is None or self.encoder.reads_images else mask.bool()
        if real is not None and real.shape != hidden.shape[:2]:
            raise ValueError(
                f"attention_mask has shape {tuple(real.shape)}, the outputs of the encoder (batch, length) have "
                f"{tuple(hidden.shape[:2])}"
            )
        if real is not None:
            # Values at padding may be NaN, and zero times NaN is NaN.
            hidden = hidden.masked_fill(~real.unsqueeze(-1), 0)
        return self.decoder.begin(hidden, real, self.encoder.summary(hidden, real))
