"""Sequence to sequence: train one model to translate, or to rewrite one kind of text as another.

    python recipes/translation.py recipes/configs/translation/gru.yaml
    python recipes/translation.py --dataset corpus/ --source_language en --target_language de --model gru
    python recipes/translation.py --dataset pairs.csv --input_column question --target_column answer --num_beams 1
    torchrun --nproc_per_node 2 recipes/translation.py recipes/configs/translation/lstm.yaml --seed 1

Takes YAML files and flags, the same as `hfseq train`. Without a YAML file, it uses configs/translation/lstm.yaml (an
LSTM that rewrites the dates of builtin:dates), whose settings the flags replace one by one; with another --dataset, it
trains that file's model with the usual settings. A run that was interrupted continues when the same command is given
again.
"""

import sys
from pathlib import Path

from hfseq.training.script import run_script

CONFIG = Path(__file__).parent / "configs" / "translation" / "lstm.yaml"

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], config=CONFIG, task="sequence_to_sequence", dataset="builtin:dates"))
