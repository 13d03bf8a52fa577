"""Sequence classification: train one model on one data set of labelled texts, DNA, series, recordings or videos.

    python recipes/sequence_classification.py recipes/configs/sequence_classification/lstm.yaml
    python recipes/sequence_classification.py --dataset builtin:promoters --model gru
    accelerate launch recipes/sequence_classification.py recipes/configs/sequence_classification/lstm.yaml --seed 1
    torchrun --nproc_per_node 2 recipes/sequence_classification.py --dataset reviews.csv --model gru

Takes YAML files and flags, the same as `hfseq train`; without any, it trains an LSTM on builtin:docstrings. A run that
was interrupted goes on where it stopped when the same command is given again.
"""

import sys

from hfseq.training.script import run_script

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], task="sequence_classification"))
