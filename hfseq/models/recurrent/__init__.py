"""The recurrent family: RNN, LSTM and GRU as transformers models.

The files of this folder are copied next to saved weights, so that a model loads where hfseq is not installed. They
import only torch, transformers and each other (`from .module import name`). This file is not copied.
"""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from .cell_types import register_cell
    from .configuration_encoder_decoder import RecurrentEncoderDecoderConfig
    from .configuration_recurrent import RecurrentConfig
    from .modeling_causal_lm import RecurrentForCausalLM
    from .modeling_ctc import RecurrentForCTC
    from .modeling_encoder_decoder import RecurrentEncoderDecoder
    from .modeling_recurrent import RecurrentModel, RecurrentPreTrainedModel
    from .modeling_sequence_classification import RecurrentForSequenceClassification
    from .modeling_time_series import RecurrentForTimeSeriesPrediction
    from .modeling_token_classification import RecurrentForTokenClassification
    from .recurrent_cell import RecurrentCell
    from .recurrent_stack import RecurrentState

__all__ = [
    "RecurrentCell",
    "RecurrentConfig",
    "RecurrentEncoderDecoder",
    "RecurrentEncoderDecoderConfig",
    "RecurrentForCTC",
    "RecurrentForCausalLM",
    "RecurrentForSequenceClassification",
    "RecurrentForTimeSeriesPrediction",
    "RecurrentForTokenClassification",
    "RecurrentModel",
    "RecurrentPreTrainedModel",
    "RecurrentState",
    "register_cell",
]

# Lazily, because transformers needs the configuration before the modules that the models need are imported.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "RecurrentCell": ".recurrent_cell",
        "RecurrentConfig": ".configuration_recurrent",
        "RecurrentEncoderDecoder": ".modeling_encoder_decoder",
        "RecurrentEncoderDecoderConfig": ".configuration_encoder_decoder",
        "RecurrentForCausalLM": ".modeling_causal_lm",
        "RecurrentForCTC": ".modeling_ctc",
        "RecurrentForSequenceClassification": ".modeling_sequence_classification",
        "RecurrentForTimeSeriesPrediction": ".modeling_time_series",
        "RecurrentForTokenClassification": ".modeling_token_classification",
        "RecurrentModel": ".modeling_recurrent",
        "RecurrentPreTrainedModel": ".modeling_recurrent",
        "RecurrentState": ".recurrent_stack",
        "register_cell": ".cell_types",
    },
)
