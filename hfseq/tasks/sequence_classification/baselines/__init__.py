"""Baselines of sequence classification and regression. Each module registers some."""

from hfseq.tasks.sequence_classification.baselines import majority

__all__ = ["majority"]
