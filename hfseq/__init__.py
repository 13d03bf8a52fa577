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
    "Comparison": "hfseq.comparison",
    "FeatureTransformerConfig": "hfseq.models.feature_transformer",
    "FeatureTransformerForCTC": "hfseq.models.feature_transformer",
    "FeatureTransformerForSequenceClassification": "hfseq.models.feature_transformer",
    "FeatureTransformerModel": "hfseq.models.feature_transformer",
    "HfseqError": "hfseq.errors",
    "Launcher": "hfseq.comparison.launchers",
    "Modality": "hfseq.modalities",
    "Prediction": "hfseq.tasks",
    "Predictions": "hfseq.inference",
    "Predictor": "hfseq.inference",
    "RecurrentCell": "hfseq.models.recurrent",
    "RecurrentConfig": "hfseq.models.recurrent",
    "RecurrentEncoderDecoder": "hfseq.models.recurrent",
    "RecurrentEncoderDecoderConfig": "hfseq.models.recurrent",
    "RecurrentForCTC": "hfseq.models.recurrent",
    "RecurrentForCausalLM": "hfseq.models.recurrent",
    "RecurrentForSequenceClassification": "hfseq.models.recurrent",
    "RecurrentForTimeSeriesPrediction": "hfseq.models.recurrent",
    "RecurrentForTokenClassification": "hfseq.models.recurrent",
    "RecurrentModel": "hfseq.models.recurrent",
    "RunArguments": "hfseq.training",
    "RunRecord": "hfseq.training",
    "SequenceTrainer": "hfseq.training",
    "Task": "hfseq.tasks",
    "compare": "hfseq.comparison",
    "generate": "hfseq.inference",
    "load_predictor": "hfseq.inference",
    "load_source": "hfseq.data",
    "push": "hfseq.training",
    "register_baseline": "hfseq.registry",
    "register_cell": "hfseq.registry",
    "register_check": "hfseq.registry",
    "register_family_settings": "hfseq.registry",
    "register_launcher": "hfseq.registry",
    "register_metric": "hfseq.registry",
    "register_metric_direction": "hfseq.registry",
    "register_modality": "hfseq.registry",
    "register_preset": "hfseq.registry",
    "register_recurrent_presets": "hfseq.registry",
    "register_task": "hfseq.registry",
    "run_training": "hfseq.training",
}

__all__ = ["__version__", *sorted(_PUBLIC)]

if TYPE_CHECKING:
    from hfseq.comparison import Comparison as Comparison
    from hfseq.comparison import compare as compare
    from hfseq.data import load_source as load_source
    from hfseq.errors import HfseqError as HfseqError
    from hfseq.inference import Predictions as Predictions
    from hfseq.inference import Predictor as Predictor
    from hfseq.inference import generate as generate
    from hfseq.inference import load_predictor as load_predictor
    from hfseq.modalities import Modality as Modality
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
    from hfseq.registry import register_baseline as register_baseline
    from hfseq.registry import register_cell as register_cell
    from hfseq.registry import register_check as register_check
    from hfseq.registry import register_family_settings as register_family_settings
    from hfseq.registry import register_launcher as register_launcher
    from hfseq.registry import register_metric as register_metric
    from hfseq.registry import register_metric_direction as register_metric_direction
    from hfseq.registry import register_modality as register_modality
    from hfseq.registry import register_preset as register_preset
    from hfseq.registry import register_recurrent_presets as register_recurrent_presets
    from hfseq.registry import register_task as register_task
    from hfseq.tasks import Prediction as Prediction
    from hfseq.tasks import Task as Task
    from hfseq.training import RunArguments as RunArguments
    from hfseq.training import RunRecord as RunRecord
    from hfseq.training import SequenceTrainer as SequenceTrainer
    from hfseq.training import push as push
    from hfseq.training import run_training as run_training


__getattr__, __dir__ = lazy_names(__name__, _PUBLIC)

register_with_transformers()
