"""Which model of the family stands behind which of transformers' Auto classes: the one table of them."""

from transformers import PreTrainedConfig, PreTrainedModel

from .configuration_feature_transformer import FeatureTransformerConfig
from .modeling_ctc import FeatureTransformerForCTC
from .modeling_feature_transformer import FeatureTransformerModel
from .modeling_sequence_classification import FeatureTransformerForSequenceClassification

# Configuration -> Auto class -> model. What `import hfseq` registers, and what a saved model names in its auto_map.
AUTO_CLASSES: dict[type[PreTrainedConfig], dict[str, type[PreTrainedModel]]] = {
    FeatureTransformerConfig: {
        "AutoModel": FeatureTransformerModel,
        "AutoModelForCTC": FeatureTransformerForCTC,
        "AutoModelForSequenceClassification": FeatureTransformerForSequenceClassification,
    },
}


def auto_map() -> dict[str, str]:
    """The `auto_map` of the family's configuration: for each Auto class, the file and class that is meant."""
    (models,) = AUTO_CLASSES.values()
    return {name: f"{model.__module__.rpartition('.')[2]}.{model.__name__}" for name, model in models.items()}
