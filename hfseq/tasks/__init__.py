"""What is predicted. One file a task, and the table of them."""

from hfseq.tasks.sequence_classification import SequenceClassification, balanced_class_weights

TASKS = {SequenceClassification.name: SequenceClassification}

__all__ = ["TASKS", "SequenceClassification", "balanced_class_weights"]
