"""hfseq: do I need a pretrained encoder, or will a 2 MB LSTM do, and what does it cost me?

Importing hfseq makes the recurrent family known to transformers' Auto classes. It does not import torch: names are
looked up when they are first used.
"""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names
from hfseq.registration import register_with_transformers

__version__ = "0.1.0.dev0"

# Public name -> the module that defines it.
_PUBLIC = {
    "FeatureTransformerConfig": "hfseq.models.feature_transformer",
    "FeatureTransformerForCTC": "hfseq.models.feature_transformer",
    "FeatureTransformerForSequenceClassification": "hfseq.models.feature_transformer",
    "FeatureTransformerModel": "hfseq.models.feature_transformer",
    "HfseqError": "hfseq.errors",
    "RecurrentCell": "hfseq.models.recurrent",
    "RecurrentConfig": "hfseq.models.recurrent",
    "RecurrentEncoderDecoder": "hfseq.models.recurrent",
    "RecurrentEncoderDecoderConfig": "hfseq.models.recurrent",
    "RecurrentForCausalLM": "hfseq.models.recurrent",
    "RecurrentForCTC": "hfseq.models.recurrent",
    "RecurrentForSequenceClassification": "hfseq.models.recurrent",
    "RecurrentForTimeSeriesPrediction": "hfseq.models.recurrent",
    "RecurrentForTokenClassification": "hfseq.models.recurrent",
    "RecurrentModel": "hfseq.models.recurrent",
    "RunArguments": "hfseq.training",
    "RunRecord": "hfseq.training",
    "SequenceTrainer": "hfseq.training",
    "compare": "hfseq.comparison",
    "load_source": "hfseq.data",
    "register_cell": "hfseq.registry",
    "run_training": "hfseq.training",
}

__all__ = ["__version__", *sorted(_PUBLIC)]

if TYPE_CHECKING:
    from hfseq.comparison import compare as compare
    from hfseq.data import load_source as load_source
    from hfseq.errors import HfseqError as HfseqError
    from hfseq.models.feature_transformer import FeatureTransformerConfig as FeatureTransformerConfig
    from hfseq.models.feature_transformer import FeatureTransformerForCTC as FeatureTransformerForCTC
    from hfseq.models.feature_transformer import (
        FeatureTransformerForSequenceClassification as FeatureTransformerForSequenceClassification,
    )
    from hfseq.models.feature_transformer import FeatureTransformerModel as FeatureTransformerModel
    from hfseq.models.recurrent import RecurrentCell as RecurrentCell
    from hfseq.models.recurrent import RecurrentConfig as RecurrentConfig
    from hfseq.models.recurrent import RecurrentEncoderDecoder as RecurrentEncoderDecoder
    from hfseq.models.recurrent import RecurrentEncoderDecoderConfig as RecurrentEncoderDecoderConfig
    from hfseq.models.recurrent import RecurrentForCausalLM as RecurrentForCausalLM
    from hfseq.models.recurrent import RecurrentForCTC as RecurrentForCTC
    from hfseq.models.recurrent import RecurrentForSequenceClassification as RecurrentForSequenceClassification
    from hfseq.models.recurrent import RecurrentForTimeSeriesPrediction as RecurrentForTimeSeriesPrediction
    from hfseq.models.recurrent import RecurrentForTokenClassification as RecurrentForTokenClassification
    from hfseq.models.recurrent import RecurrentModel as RecurrentModel
    from hfseq.registry import register_cell as register_cell
    from hfseq.training import RunArguments as RunArguments
    from hfseq.training import RunRecord as RunRecord
    from hfseq.training import SequenceTrainer as SequenceTrainer
    from hfseq.training import run_training as run_training


__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)

register_with_transformers()
