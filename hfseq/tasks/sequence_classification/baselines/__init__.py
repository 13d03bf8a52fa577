"""Baselines of sequence classification and regression. Each module registers some."""

from hfseq.tasks.sequence_classification.baselines import bag_of_words, majority, numeric

__all__ = ["bag_of_words", "majority", "numeric"]
