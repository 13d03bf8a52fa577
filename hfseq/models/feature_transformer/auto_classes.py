"""The models of the family, by the Auto classes of transformers that load them."""

from transformers import PreTrainedConfig, PreTrainedModel

from .configuration_feature_transformer import FeatureTransformerConfig
from .modeling_ctc import FeatureTransformerForCTC
from .modeling_feature_transformer import FeatureTransformerModel, FeatureTransformerPreTrainedModel
from .modeling_sequence_classification import FeatureTransformerForSequenceClassification

_MODELS: tuple[type[FeatureTransformerPreTrainedModel], ...] = (
    FeatureTransformerModel,
    FeatureTransformerForCTC,
    FeatureTransformerForSequenceClassification,
)

# Configuration -> Auto class -> model: what `import hfseq` registers.
AUTO_CLASSES: dict[type[PreTrainedConfig], dict[str, type[PreTrainedModel]]] = {
    FeatureTransformerConfig: {name: model for model in _MODELS for name in model.auto_classes()}
}
