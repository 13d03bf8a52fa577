"""A recurrent backbone with a sequence classification head: one label, several labels, or regression."""

from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import can_return_tuple

from .configuration_recurrent import RecurrentConfig
from .losses import sequence_classification_loss
from .modeling_recurrent import RecurrentModel, RecurrentPreTrainedModel
from .pooling import SequencePooling


class RecurrentForSequenceClassification(RecurrentPreTrainedModel):
    """A recurrent backbone with pooling and a linear head: one label, several labels, or regression.

    Class weights and label smoothing are settings of the configuration, also as arguments of `from_pretrained`.
    """

    # Trainer then passes num_items_in_batch, and the loss is divided by it.
    accepts_loss_kwargs = True

    def __init__(self, config: RecurrentConfig):
        super().__init__(config)
        self.num_labels = config.num_labels or 0
        self.model = RecurrentModel(config)
        self.main_input_name = self.model.main_input_name
        self.pooling = SequencePooling(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.output_size, self.num_labels)
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
    ) -> SequenceClassifierOutput:
        """
        Args:
            input_ids, attention_mask, token_type_ids, inputs_embeds, input_features, output_hidden_states:
                see [`RecurrentModel`].
            labels (`torch.Tensor`, *optional*): indices of classes of shape `(batch,)`, zeros and ones of shape
                `(batch, num_labels)`, or regression targets of shape `(batch,)` or `(batch, num_labels)`.
            num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of labels in the whole batch, if this is
                a part of it. The loss is divided by it.
        """
        encoded = self.model.encode(input_ids, attention_mask, inputs_embeds, input_features)
        pooled = self.pooling(encoded.outputs[-1], encoded.layout, encoded.state)  # (batch, output)
        logits = self.classifier(self.dropout(pooled))  # (batch, num_labels)
        loss = None
        if labels is not None:
            config = self.config
            loss = sequence_classification_loss(
                logits,
                labels,
                config.problem_type,
                config.class_weights,
                config.label_smoothing,
                num_items_in_batch,
            )
        return SequenceClassifierOutput(
            loss=loss, logits=logits, hidden_states=self._hidden_states(encoded, output_hidden_states)
        )
