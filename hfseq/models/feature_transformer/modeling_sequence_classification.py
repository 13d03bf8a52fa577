"""A transformer for numeric inputs with a sequence classification head."""

from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import can_return_tuple

from .configuration_feature_transformer import FeatureTransformerConfig
from .losses import sequence_classification_loss
from .modeling_feature_transformer import FeatureTransformerModel, FeatureTransformerPreTrainedModel


class FeatureTransformerForSequenceClassification(FeatureTransformerPreTrainedModel):
    """A linear head over the mean of the hidden states of real steps: one label, several labels, or regression."""

    # Trainer then passes num_items_in_batch, and the loss is divided by it.
    accepts_loss_kwargs = True

    def __init__(self, config: FeatureTransformerConfig):
        super().__init__(config)
        self.num_labels = config.num_labels or 0
        self.model = FeatureTransformerModel(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.hidden_size, self.num_labels)
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_features: Tensor,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        output_hidden_states: bool | None = None,
    ) -> SequenceClassifierOutput:
        """
        Args:
            input_features, attention_mask, output_hidden_states: see [`FeatureTransformerModel`].
            labels (`torch.Tensor`, *optional*): indices of classes of shape `(batch,)`, zeros and ones of shape
                `(batch, num_labels)`, or regression targets of shape `(batch,)` or `(batch, num_labels)`.
            num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of labels in the whole batch, if this is
                a part of it. The loss is divided by it.
        """
        encoded = self.model.encode(input_features, attention_mask, output_hidden_states)
        pooled = encoded.alignment.mean(encoded.outputs)  # (batch, hidden)
        logits = self.classifier(self.dropout(pooled))  # (batch, num_labels)
        loss = None
        if labels is not None:
            loss = sequence_classification_loss(logits, labels, self.config.problem_type, num_items_in_batch)
        return SequenceClassifierOutput(loss=loss, logits=logits, hidden_states=encoded.restored_hidden_states())
