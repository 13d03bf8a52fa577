"""Sequence to sequence: train a model to translate texts, or to convert one kind of text to another.

    python recipes/translation.py recipes/configs/translation/gru.yaml
    python recipes/translation.py --dataset corpus/ --source_language en --target_language de --model gru
    python recipes/translation.py --dataset pairs.csv --input_column question --target_column answer --num_beams 1
    torchrun --nproc_per_node 2 recipes/translation.py recipes/configs/translation/lstm.yaml --seed 1

The arguments are YAML files and flags, as for `hfseq train`. Without a YAML file, the recipe uses
configs/translation/lstm.yaml (an LSTM that converts the dates of builtin:dates), and flags replace its settings. With
another --dataset, it trains the model of that file with default settings. To continue an interrupted run, run the same
command again.
"""

import sys
from pathlib import Path

from hfseq.training.script import run_script

CONFIG = Path(__file__).parent / "configs" / "translation" / "lstm.yaml"

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], config=CONFIG, task="sequence_to_sequence", dataset="builtin:dates"))
