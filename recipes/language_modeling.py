"""Language modelling: train a model to predict the next token of texts.

    python recipes/language_modeling.py recipes/configs/language_modeling/lstm.yaml
    python recipes/language_modeling.py --dataset novel.txt --model gru --output_dir runs/novel
    hfseq generate runs/novel --prompt "It was" --temperature 0.8

The arguments are YAML files and flags, as for `hfseq train`. Without arguments, the recipe trains an LSTM on the
characters of builtin:stdlib-text. A single text file is split in order: the test split is its end. To continue an
interrupted run, run the same command again. A classifier can be initialised from the trained language model:

    hfseq train --dataset reviews.csv --model runs/novel
"""

import sys

from hfseq.training.script import run_script

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], task="causal_lm", dataset="builtin:stdlib-text"))
