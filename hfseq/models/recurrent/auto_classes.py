"""Which model of the family stands behind which of transformers' Auto classes: the one table of them."""

from transformers import PreTrainedConfig, PreTrainedModel

from .configuration_encoder_decoder import RecurrentEncoderDecoderConfig
from .configuration_recurrent import RecurrentConfig
from .modeling_causal_lm import RecurrentForCausalLM
from .modeling_ctc import RecurrentForCTC
from .modeling_encoder_decoder import RecurrentEncoderDecoder
from .modeling_recurrent import RecurrentModel
from .modeling_sequence_classification import RecurrentForSequenceClassification
from .modeling_time_series import RecurrentForTimeSeriesPrediction
from .modeling_token_classification import RecurrentForTokenClassification

# Configuration -> Auto class -> model. What `import hfseq` registers, and what a saved model names in its auto_map.
AUTO_CLASSES: dict[type[PreTrainedConfig], dict[str, type[PreTrainedModel]]] = {
    RecurrentConfig: {
        "AutoModel": RecurrentModel,
        "AutoModelForCTC": RecurrentForCTC,
        "AutoModelForCausalLM": RecurrentForCausalLM,
        "AutoModelForSequenceClassification": RecurrentForSequenceClassification,
        "AutoModelForTimeSeriesPrediction": RecurrentForTimeSeriesPrediction,
        "AutoModelForTokenClassification": RecurrentForTokenClassification,
    },
    RecurrentEncoderDecoderConfig: {
        "AutoModelForImageTextToText": RecurrentEncoderDecoder,
        "AutoModelForSeq2SeqLM": RecurrentEncoderDecoder,
        "AutoModelForSpeechSeq2Seq": RecurrentEncoderDecoder,
    },
}


def auto_map_of(config_class: type[PreTrainedConfig]) -> dict[str, str]:
    """The `auto_map` of a configuration: for each Auto class, the file and class that is meant.

    By the name of the class: that of a model loaded as remote code is another object with the same name.
    """
    (models,) = (models for config, models in AUTO_CLASSES.items() if config.__name__ == config_class.__name__)
    return {name: f"{model.__module__.rpartition('.')[2]}.{model.__name__}" for name, model in models.items()}
