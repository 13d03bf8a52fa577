"""Tasks, such as classification or forecasting. Each folder holds everything of one task."""

from typing import TYPE_CHECKING

from hfseq.lazy import lazy_names

if TYPE_CHECKING:
    from hfseq.tasks.base import Task
    from hfseq.tasks.causal_lm.task import CausalLM
    from hfseq.tasks.class_weights import balanced_class_weights
    from hfseq.tasks.ctc.task import CTC
    from hfseq.tasks.forecasting.task import Forecasting
    from hfseq.tasks.loss_settings import LossSettings
    from hfseq.tasks.prediction import Prediction
    from hfseq.tasks.selection import task_name
    from hfseq.tasks.sequence_classification.task import SequenceClassification
    from hfseq.tasks.text_generation.task import Captioning, SequenceToSequence
    from hfseq.tasks.token_classification.task import TokenClassification

__all__ = [
    "CTC",
    "Captioning",
    "CausalLM",
    "Forecasting",
    "LossSettings",
    "Prediction",
    "SequenceClassification",
    "SequenceToSequence",
    "Task",
    "TokenClassification",
    "balanced_class_weights",
    "task_name",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CTC": ".ctc.task",
        "Captioning": ".text_generation.task",
        "CausalLM": ".causal_lm.task",
        "Forecasting": ".forecasting.task",
        "LossSettings": ".loss_settings",
        "Prediction": ".prediction",
        "SequenceClassification": ".sequence_classification.task",
        "SequenceToSequence": ".text_generation.task",
        "Task": ".base",
        "TokenClassification": ".token_classification.task",
        "balanced_class_weights": ".class_weights",
        "task_name": ".selection",
    },
)
