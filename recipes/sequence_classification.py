"""Sequence classification: train one model on one data set.

    python recipes/sequence_classification.py recipes/configs/sequence_classification/lstm.yaml
    accelerate launch recipes/sequence_classification.py recipes/configs/sequence_classification/lstm.yaml --seed 1
    torchrun --nproc_per_node 2 recipes/sequence_classification.py --dataset reviews.csv --model gru

Takes YAML files and flags, the same as `hfseq train`; without any, it trains an LSTM on builtin:docstrings. A run that
was interrupted goes on where it stopped when the same command is given again.
"""

import sys

from hfseq.errors import HfseqError
from hfseq.training.run import is_main_process, run_training
from hfseq.training.settings import read_settings, resolve


def main() -> int:
    """Reads the settings, trains, and prints the test metrics."""
    try:
        record = run_training(resolve(read_settings(sys.argv[1:])))
    except HfseqError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if is_main_process():
        for name, value in record.metrics["test"].items():
            sys.stdout.write(f"{name} {value:.4f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
