"""A recurrent backbone with a head for connectionist temporal classification: what a series of frames says."""

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import CausalLMOutput
from transformers.utils import can_return_tuple

from .configuration_recurrent import RecurrentConfig
from .ctc_decoding import ctc_decode
from .losses import ctc_loss
from .modeling_recurrent import RecurrentModel, RecurrentPreTrainedModel
from .sequence_layout import SequenceLayout

# The logit of all symbols but the blank at the padding: their probability is 0, in half a precision as well.
_NEVER = -1e4


class RecurrentForCTC(RecurrentPreTrainedModel):
    """A recurrent backbone with a linear head over each frame, trained by CTC (Graves et al. 2006).

    The blank is `pad_token_id`, as in transformers. With `input_features`, `vocab_size` is that of the outputs; a
    model of tokens writes the tokens that it reads.

    Raises:
        ValueError: if the configuration lacks `vocab_size` or `pad_token_id`.
    """

    # Trainer passes num_items_in_batch to models that say so, and this loss divides by it.
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
        The logits at the padding say that it is the blank for certain.

        Args:
            input_ids, attention_mask, token_type_ids, inputs_embeds, input_features, output_hidden_states:
                see [`RecurrentModel`].
            labels (`torch.LongTensor` of shape `(batch, target_length)`, *optional*): what each sequence says, -100 at
                the padding.
            num_items_in_batch (`int` or `torch.Tensor`, *optional*): the labels of the whole batch, where this is a
                part of it; the loss is divided by it.
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
        """The labels that the logits of a batch say.

        Args:
            logits (`torch.Tensor` of shape `(batch, length, vocab_size)`): what the model gave.
            attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): the mask that it was given.
            beam_size (`int`, *optional*, defaults to 1): 1 for the best path; more for a prefix beam search that
                keeps so many.

        Returns:
            `list[list[int]]`: the labels of each row.
        """
        return ctc_decode(logits, attention_mask, self.blank, beam_size)

    def _with_blanks(self, packed: Tensor, layout: SequenceLayout) -> Tensor:
        """The logits as `(batch, length, vocab)`.

        A frame that is the blank for certain, before or after the others, changes neither a labelling nor its
        probability: so decoders that look at no mask are right about padding on either side, too.
        """
        if layout.is_dense:
            return layout.unpack(packed)
        batch, length = layout.shape
        padding = packed.new_full((packed.size(1),), _NEVER)
        padding[self.blank] = 0
        flat = padding.repeat(batch * length, 1)  # (batch * length, vocab)
        return flat.index_copy(0, layout.tokens, packed).view(batch, length, packed.size(1))


def _left_aligned(packed: Tensor, layout: SequenceLayout) -> Tensor:
    """Packed tokens `(num_tokens, size)` as `(batch, steps, size)`, each row's own at its beginning, zeros after."""
    if layout.is_dense:
        return layout.unpack(packed)
    batch, steps = layout.shape[0], max(len(layout.batch_sizes), 1)
    step = torch.arange(len(layout.batch_sizes)).repeat_interleave(layout.batch_sizes)  # (num_tokens,)
    places = layout.token_rows() * steps + step.to(packed.device)
    flat = packed.new_zeros(batch * steps, packed.size(1))
    return flat.index_copy(0, places, packed).view(batch, steps, packed.size(1))
