"""Transformers for numeric inputs, to compare with: any encoder of transformers after a projection of the features.

The files of this folder are copied next to saved weights, so that a model loads where hfseq is not installed. They
import only torch, transformers and each other (`from .module import name`). This file is not copied.
"""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from .configuration_feature_transformer import FeatureTransformerConfig
    from .modeling_ctc import FeatureTransformerForCTC
    from .modeling_feature_transformer import FeatureTransformerModel, FeatureTransformerPreTrainedModel
    from .modeling_sequence_classification import FeatureTransformerForSequenceClassification

__all__ = [
    "FeatureTransformerConfig",
    "FeatureTransformerForCTC",
    "FeatureTransformerForSequenceClassification",
    "FeatureTransformerModel",
    "FeatureTransformerPreTrainedModel",
]

# Lazily, because transformers needs the configuration before the modules that the models need are imported.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "FeatureTransformerConfig": ".configuration_feature_transformer",
        "FeatureTransformerForCTC": ".modeling_ctc",
        "FeatureTransformerForSequenceClassification": ".modeling_sequence_classification",
        "FeatureTransformerModel": ".modeling_feature_transformer",
        "FeatureTransformerPreTrainedModel": ".modeling_feature_transformer",
    },
)
