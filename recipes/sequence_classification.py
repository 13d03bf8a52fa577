"""Sequence classification: train a model on a data set of labelled texts, DNA, series, recordings or videos.

    python recipes/sequence_classification.py recipes/configs/sequence_classification/lstm.yaml
    python recipes/sequence_classification.py --dataset builtin:promoters --model gru
    accelerate launch recipes/sequence_classification.py recipes/configs/sequence_classification/lstm.yaml --seed 1
    torchrun --nproc_per_node 2 recipes/sequence_classification.py --dataset reviews.csv --model gru

The arguments are YAML files and flags, as for `hfseq train`. Without arguments, the recipe trains an LSTM on
builtin:docstrings. To continue an interrupted run, run the same command again.
"""

import sys

from hfseq.training.script import run_script

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], task="sequence_classification"))
