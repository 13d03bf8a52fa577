"""A transformer for numeric inputs with a head for connectionist temporal classification (CTC)."""

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import CausalLMOutput
from transformers.utils import can_return_tuple

from .configuration_feature_transformer import FeatureTransformerConfig
from .losses import ctc_loss
from .modeling_feature_transformer import FeatureTransformerModel, FeatureTransformerPreTrainedModel

# Logit of all symbols except the blank at padding. The probability is 0, also in half precision.
_PADDING_LOGIT = -1e4


class FeatureTransformerForCTC(FeatureTransformerPreTrainedModel):
    """A linear head over each step, trained with connectionist temporal classification (Graves et al. 2006).

    Raises:
        ValueError: the configuration has no `vocab_size` or no `pad_token_id`, which is the blank.
    """

    # Trainer then passes num_items_in_batch, and the loss is divided by it.
    accepts_loss_kwargs = True

    def __init__(self, config: FeatureTransformerConfig):
        super().__init__(config)
        if config.vocab_size is None or config.pad_token_id is None:
            raise ValueError("the configuration of a CTC model needs vocab_size, and pad_token_id for the blank")
        self.blank = config.pad_token_id
        self.model = FeatureTransformerModel(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_features: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        output_hidden_states: bool | None = None,
    ) -> CausalLMOutput:
        """
        At padding, the probability of the blank is 1, so decoders that do not use a mask are also correct.

        Args:
            input_features, attention_mask, output_hidden_states: see [`FeatureTransformerModel`].
            labels (`torch.LongTensor` of shape `(batch, label_length)`, *optional*): transcripts without blanks, -100
                at padding.
            num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of symbols of all transcripts in the
                whole batch, if this is a part of it. The loss is divided by it.
        """
        config = self.config
        encoded = self.model.encode(input_features, attention_mask, output_hidden_states)
        alignment = encoded.alignment
        aligned = self.lm_head(self.dropout(encoded.outputs))  # (batch, length, vocab_size)
        loss = None
        if labels is not None:
            lengths = alignment.lengths(aligned.device)
            loss = ctc_loss(aligned, lengths, labels, self.blank, config.ctc_zero_infinity, num_items_in_batch)
        logits = alignment.restore(aligned)  # (batch, length, vocab_size)
        if attention_mask is not None:
            padding = logits.new_full((config.vocab_size,), _PADDING_LOGIT)
            padding[self.blank] = 0
            logits = torch.where(attention_mask.bool().unsqueeze(-1), logits, padding)
        return CausalLMOutput(loss=loss, logits=logits, hidden_states=encoded.restored_hidden_states())
