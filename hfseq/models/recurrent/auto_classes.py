"""The models of the family, by the Auto classes of transformers that load them."""

from transformers import PreTrainedConfig, PreTrainedModel

from .modeling_causal_lm import RecurrentForCausalLM
from .modeling_ctc import RecurrentForCTC
from .modeling_encoder_decoder import RecurrentEncoderDecoder
from .modeling_recurrent import RecurrentModel, RecurrentPreTrainedModel
from .modeling_sequence_classification import RecurrentForSequenceClassification
from .modeling_time_series import RecurrentForTimeSeriesPrediction
from .modeling_token_classification import RecurrentForTokenClassification

_MODELS: tuple[type[RecurrentPreTrainedModel], ...] = (
    RecurrentModel,
    RecurrentForCTC,
    RecurrentForCausalLM,
    RecurrentForSequenceClassification,
    RecurrentForTimeSeriesPrediction,
    RecurrentForTokenClassification,
    RecurrentEncoderDecoder,
)

# Configuration -> Auto class -> model: what `import hfseq` registers.
AUTO_CLASSES: dict[type[PreTrainedConfig], dict[str, type[PreTrainedModel]]] = {}
for _model in _MODELS:
    AUTO_CLASSES.setdefault(_model.config_class, {}).update(dict.fromkeys(_model.auto_classes(), _model))
