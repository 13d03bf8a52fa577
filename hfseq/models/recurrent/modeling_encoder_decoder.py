"""Any encoder and a recurrent decoder: translation, captions of images, transcripts of speech."""

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
    """An encoder of any kind, and a recurrent decoder with attention to what it gives.

    The result for a pair of source and target does not depend on the padding of either, nor on the pairs beside it.
    `generate()` runs the encoder once, and carries a [`DecoderState`] whose size does not grow with the target.

    Args:
        config (`RecurrentEncoderDecoderConfig`): with `encoder` and `vocab_size`.
        encoder (`PreTrainedModel`, *optional*): the encoder itself; by default a new one of the configuration.

    Raises:
        ValueError: if the configuration has no `encoder` or no `vocab_size`, or the encoder does not fit.
    """

    config_class = RecurrentEncoderDecoderConfig  # type: ignore[assignment]
    config: RecurrentEncoderDecoderConfig  # type: ignore[assignment]
    base_model_prefix = ""
    # Trainer passes num_items_in_batch to models that say so, and this loss divides by it.
    accepts_loss_kwargs = True
    # There is no going back to an earlier state, which assisted generation would need.
    _is_stateful = True
    # What is asked for holds for the encoder, which has a word of its own in it.
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
            path (`str`): the encoder's folder, or its name on the Hub.
            encoder_arguments (`dict`, *optional*): further arguments of the encoder's `from_pretrained`.
            settings: those of [`RecurrentEncoderDecoderConfig`], such as `vocab_size`.
        """
        # Not at the top: the family is registered, this file included, while transformers imports its Auto classes.
        from transformers import AutoConfig, AutoModel

        # The decoder is made in single precision, whatever the encoder was saved in.
        arguments = {"dtype": torch.float32, **(encoder_arguments or {})}
        encoder: PreTrainedModel
        if PreTrainedConfig.get_config_dict(path, **arguments)[0].get("model_type") == RecurrentConfig.model_type:
            encoder = RecurrentModel.from_pretrained(path, **arguments)
        else:
            config = AutoConfig.from_pretrained(path, **arguments)
            encoder = AutoModel.from_pretrained(path, **without_pooler(config), **arguments)
        attention = encoder.config._attn_implementation
        model = cls(RecurrentEncoderDecoderConfig(encoder=encoder.config, **settings), encoder)
        # A configuration around another takes its own word for the attention into it.
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
        """The tokens that the decoder reads to be asked for the labels: the start token, and then each label but the
        last.

        Args:
            labels (`torch.LongTensor` of shape `(batch, target_length)`): -100 where there is none, on any side; there
                stands padding then.

        Raises:
            ValueError: where the configuration has no token to start with.
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
            input_ids, inputs_embeds, input_features, pixel_values (`torch.Tensor`, *optional*): the sources; exactly
                one kind, which the encoder takes.
            attention_mask (`torch.Tensor` of shape `(batch, source_length)`, *optional*): 1 at what is real of the
                sources, 0 at padding, which may stand on any side. Without it, all is real, as it is in images.
            decoder_input_ids (`torch.LongTensor` of shape `(batch, target_length)`, *optional*): the targets, after
                the start token; by default made of the labels.
            decoder_attention_mask (`torch.Tensor` of shape `(batch, target_length)`, *optional*): 1 at real target
                tokens. By default, all are, up to the last label where labels are given.
            token_type_ids (`torch.Tensor`, *optional*): passed on to the encoder.
            labels (`torch.LongTensor` of shape `(batch, target_length)`, *optional*): the token that is wanted after
                each of `decoder_input_ids`; -100 is left out.
            num_items_in_batch (`int` or `torch.Tensor`, *optional*): the labels of the whole batch, where this is a
                part of it; the loss is divided by it.
            encoder_outputs (`BaseModelOutput` or `tuple`, *optional*): what the encoder gave, instead of the sources.
            past_key_values (`DecoderState`, *optional*): the state to go on from; the sources are not read then.
            use_cache (`bool`, *optional*, defaults to the configuration's): whether to return the state.
            output_attentions (`bool`, *optional*): whether to return where each target token looked: a tuple of one
                `(batch, 1, target_length, source_length)`; the encoder is not asked for its own.
            output_hidden_states (`bool`, *optional*): whether to return what the layers of both give.

        Raises:
            ValueError: unless there are exactly one kind of source and a target, with masks of their shapes.
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
        layout = SequenceLayout.of(mask, (inputs.size(0), inputs.size(1)), inputs.device)
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
        """What `generate()` passes to [`forward`]: the beginning of the targets, and then one token at a time."""
        inputs = super().prepare_inputs_for_generation(input_ids, **kwargs)  # type: ignore[misc,arg-type]
        mask = inputs.get("decoder_attention_mask")
        if mask is not None:
            inputs["decoder_attention_mask"] = mask[:, -inputs["decoder_input_ids"].size(1) :]
        return inputs

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        # The state is made by the first forward; generate would hand it a cache of keys and values.
        return False

    def _begin(self, hidden: Tensor, mask: Tensor | None) -> DecoderState:
        if hidden.size(-1) != self.config.source_size:
            raise ValueError(
                f"the encoder gives {hidden.size(-1)} features, and the decoder was made for "
                f"{self.config.source_size}: set encoder_output_size={hidden.size(-1)}"
            )
        real = None if mask is None or self.encoder.reads_images else mask.bool()
        if real is not None and real.shape != hidden.shape[:2]:
            raise ValueError(
                f"attention_mask has shape {tuple(real.shape)}, what the encoder gives (batch, length) has "
                f"{tuple(hidden.shape[:2])}"
            )
        if real is not None:
            # What stands at the padding may even be NaN, which no weight of zero would silence.
            hidden = hidden.masked_fill(~real.unsqueeze(-1), 0)
        return self.decoder.begin(hidden, real, self.encoder.summary(hidden, real))
