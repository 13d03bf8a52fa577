"""The recurrent family: RNN, LSTM and GRU as transformers models.

The files of this folder are copied next to saved weights, so that a model loads where hfseq is not installed. They
import torch, transformers and each other (`from .module import name`), and nothing else. This file does not travel.
"""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from .configuration_recurrent import RecurrentConfig
    from .modeling_recurrent import RecurrentModel, RecurrentPreTrainedModel
    from .modeling_sequence_classification import RecurrentForSequenceClassification
    from .recurrent_stack import RecurrentState

__all__ = [
    "RecurrentConfig",
    "RecurrentForSequenceClassification",
    "RecurrentModel",
    "RecurrentPreTrainedModel",
    "RecurrentState",
]

# Lazily, because transformers asks for the configuration while it is still importing what the models need.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "RecurrentConfig": ".configuration_recurrent",
        "RecurrentForSequenceClassification": ".modeling_sequence_classification",
        "RecurrentModel": ".modeling_recurrent",
        "RecurrentPreTrainedModel": ".modeling_recurrent",
        "RecurrentState": ".recurrent_stack",
    },
)
