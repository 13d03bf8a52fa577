"""A recurrent backbone with a token classification head: a softmax per token, or a conditional random field."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import TokenClassifierOutput
from transformers.utils import can_return_tuple

from .configuration_recurrent import RecurrentConfig
from .crf import UNTAGGED, LinearChainCRF
from .losses import sum_over_items, token_classification_loss
from .modeling_recurrent import EncodedTokens, RecurrentModel, RecurrentPreTrainedModel


@dataclass
class RecurrentTokenClassifierOutput(TokenClassifierOutput):
    """
    Output of [`RecurrentForTokenClassification`]: [`~transformers.modeling_outputs.TokenClassifierOutput`] with the
    predictions of a CRF.

    Args:
        predictions (`torch.LongTensor` of shape `(batch, length)`, *optional*):
            With a CRF, in evaluation mode: the most probable sequence of tags, -100 at other positions.
    """

    predictions: Tensor | None = None


class RecurrentForTokenClassification(RecurrentPreTrainedModel):
    """A recurrent backbone with a linear layer over each token, and optionally a conditional random field (Huang et
    al. 2015; Lample et al. 2016).

    With a CRF, `logits` are its emissions. Their argmax ignores neighbouring tags. The best sequence of tags is in
    `predictions`.

    Raises:
        ValueError: the labels are not in the scheme of `crf_constraints`.
    """

    # Trainer then passes num_items_in_batch, and the loss is divided by it.
    accepts_loss_kwargs = True

    def __init__(self, config: RecurrentConfig):
        super().__init__(config)
        self.num_labels = config.num_labels or 0
        self.model = RecurrentModel(config)
        self.main_input_name = self.model.main_input_name
        self.classifier = nn.Linear(config.output_size, self.num_labels)
        if config.use_crf:
            names = [config.id2label[number] for number in range(self.num_labels)]  # type: ignore[index]
            self.crf = LinearChainCRF(names, config.crf_constraints)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, LinearChainCRF):
            module.reset_parameters()
        else:
            super()._init_weights(module)

    @can_return_tuple
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        input_features: Tensor | None = None,
        labels: Tensor | None = None,
        decode_mask: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        output_hidden_states: bool | None = None,
    ) -> RecurrentTokenClassifierOutput:
        """
        Args:
            input_ids, attention_mask, token_type_ids, inputs_embeds, input_features, output_hidden_states:
                see [`RecurrentModel`].
            labels (`torch.LongTensor` of shape `(batch, length)`, *optional*): indices of tags; -100 at positions
                without a tag, such as all tokens of a word except the first. Labels at padding are ignored.
            decode_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): nonzero at positions for which the CRF
                predicts a tag. By default those with a label, or all real tokens without labels.
            num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of tagged tokens in the whole batch, if
                this is a part of it. The loss is divided by it.

        Raises:
            ValueError: `labels` or `decode_mask` has another shape than the inputs.
        """
        encoded = self.model.encode(input_ids, attention_mask, inputs_embeds, input_features)
        layout = encoded.layout
        for name, given in (("labels", labels), ("decode_mask", decode_mask)):
            if given is not None and given.shape != layout.shape:
                raise ValueError(
                    f"{name} has shape {tuple(given.shape)}, the inputs (batch, length) have {layout.shape}"
                )
        hidden = self._token_outputs(encoded)
        packed = self.classifier(hidden)  # (num_tokens, num_labels)
        logits = layout.unpack(packed)  # (batch, length, num_labels)
        loss = None
        if labels is not None:
            loss = self._loss(packed, logits, labels, encoded, num_items_in_batch)
        predictions = None
        if self.config.use_crf and not self.training:
            if decode_mask is None and labels is not None:
                decode_mask = labels != UNTAGGED
            predictions = self.crf.decode(logits, self._real(decode_mask, encoded))
        return RecurrentTokenClassifierOutput(
            loss=loss,
            logits=logits,
            hidden_states=self._hidden_states(encoded, output_hidden_states),
            predictions=predictions,
        )

    def _loss(
        self,
        packed: Tensor,
        logits: Tensor,
        labels: Tensor,
        encoded: EncodedTokens,
        num_items_in_batch: Tensor | int | None,
    ) -> Tensor:
        if not self.config.use_crf:
            return token_classification_loss(
                packed,
                encoded.layout.pack(labels),
                self.config.class_weights,
                self.config.label_smoothing,
                num_items_in_batch,
            )
        tagged = self._real(labels != UNTAGGED, encoded)
        return sum_over_items(self.crf(logits, labels, tagged), tagged, num_items_in_batch)

    def _real(self, wanted: Tensor | None, encoded: EncodedTokens) -> Tensor:
        """True at real tokens, or at those that are also in `wanted`; of shape `(batch, length)`."""
        layout = encoded.layout
        packed = torch.ones_like(layout.tokens) if wanted is None else layout.pack(wanted != 0).long()
        return layout.unpack(packed.unsqueeze(1)).squeeze(2).bool()
