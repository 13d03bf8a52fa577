"""A recurrent backbone with a head for connectionist temporal classification (CTC)."""

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import CausalLMOutput
from transformers.utils import can_return_tuple

from .configuration_recurrent import RecurrentConfig
from .ctc_decoding import ctc_decode
from .losses import ctc_loss
from .modeling_recurrent import RecurrentModel, RecurrentPreTrainedModel
from .sequence_layout import SequenceLayout

# Logit of all symbols except the blank at padding. The probability is 0, also in half precision.
_PADDING_LOGIT = -1e4


class RecurrentForCTC(RecurrentPreTrainedModel):
    """A recurrent backbone with a linear head over each frame, trained by CTC (Graves et al. 2006).

    The blank is `pad_token_id`, as in transformers. With `input_features`, `vocab_size` is the size of the output
    vocabulary. Without it, inputs and outputs have the same vocabulary.

    Raises:
        ValueError: the configuration does not have `vocab_size` or `pad_token_id`.
    """

    # Trainer then passes num_items_in_batch, and the loss is divided by it.
    accepts_loss_kwargs = True

    def __init__(self, config: RecurrentConfig):
        super().__init__(config)
        if config.vocab_size is None or config.pad_token_id is None:
            missing = "vocab_size" if config.vocab_size is None else "pad_token_id (the blank)"
            raise ValueError(f"the configuration of a CTC model needs {missing}")
        self.blank = config.pad_token_id
        self.model = RecurrentModel(config)
        self.main_input_name = self.model.main_input_name
        self.lm_head = nn.Linear(config.output_size, config.vocab_size)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        input_features: Tensor | None = None,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        output_hidden_states: bool | None = None,
    ) -> CausalLMOutput:
        """
        At padding, the probability of the blank is 1.

        Args:
            input_ids, attention_mask, token_type_ids, inputs_embeds, input_features, output_hidden_states:
                see [`RecurrentModel`].
            labels (`torch.LongTensor` of shape `(batch, target_length)`, *optional*): the transcripts, -100 at
                padding.
            num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of labels in the whole batch, if this is
                a part of it. The loss is divided by it.
        """
        encoded = self.model.encode(input_ids, attention_mask, inputs_embeds, input_features)
        layout = encoded.layout
        hidden = self._token_outputs(encoded)
        packed = self.lm_head(hidden)  # (num_tokens, vocab)
        loss = None
        if labels is not None:
            loss = ctc_loss(
                _left_aligned(packed, layout),
                layout.lengths,
                labels,
                self.blank,
                num_items_in_batch,
                self.config.ctc_zero_infinity,
            )
        return CausalLMOutput(
            loss=loss,
            logits=self._with_blanks(packed, layout),
            hidden_states=self._hidden_states(encoded, output_hidden_states),
        )

    def decode(self, logits: Tensor, attention_mask: Tensor | None = None, beam_size: int = 1) -> list[list[int]]:
        """Decodes the logits of a batch.

        Args:
            logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): outputs of the model.
            attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): the mask of the inputs.
            beam_size (`int`, *optional*, defaults to 1): 1 for the best path; a larger number is the beam width of a
                prefix beam search.

        Returns:
            `list[list[int]]`: the labels of each row.
        """
        return ctc_decode(logits, attention_mask, self.blank, beam_size)

    def _with_blanks(self, packed: Tensor, layout: SequenceLayout) -> Tensor:
        """The logits as `(batch, length, vocab)`.

        A frame with probability 1 of the blank, before or after the others, does not change a labelling or its
        probability. So decoders that do not use a mask are also correct, with padding on either side.
        """
        if layout.is_dense:
            return layout.unpack(packed)
        batch, length = layout.shape
        padding = packed.new_full((packed.size(1),), _PADDING_LOGIT)
        padding[self.blank] = 0
        flat = padding.repeat(batch * length, 1)  # (batch * length, vocab)
        return flat.index_copy(0, layout.tokens, packed).view(batch, length, packed.size(1))


def _left_aligned(packed: Tensor, layout: SequenceLayout) -> Tensor:
    """Packed tokens `(num_tokens, size)` as `(batch, steps, size)`: each row begins with its tokens, then zeros."""
    if layout.is_dense:
        return layout.unpack(packed)
    batch, steps = layout.shape[0], max(len(layout.batch_sizes), 1)
    step = torch.arange(len(layout.batch_sizes)).repeat_interleave(layout.batch_sizes)  # (num_tokens,)
    places = layout.token_rows() * steps + step.to(packed.device)
    flat = packed.new_zeros(batch * steps, packed.size(1))
    return flat.index_copy(0, places, packed).view(batch, steps, packed.size(1))
