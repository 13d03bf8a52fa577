from hfseq import RecurrentForSequenceClassification, RecurrentModel
from hfseq.models.recurrent.losses import infer_problem_type as problem_type_of

from .configuration_reviews import ReviewsConfig


class ReviewsModel(RecurrentModel):
    config_class = ReviewsConfig


class ReviewsClassifier(RecurrentForSequenceClassification):
    config_class = ReviewsConfig

    def __init__(self, config):
        super().__init__(config)
        self.model = ReviewsModel(config)

    def forward(self, input_ids, attention_mask=None, labels=None):
        outputs = super().forward(input_ids, attention_mask, labels=labels)
        assert labels is None or problem_type_of(self.num_labels, labels)
        outputs.logits = outputs.logits / self.config.temperature
        return outputs
