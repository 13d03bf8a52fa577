"""Language modelling: train one model to foresee the next token of texts.

    python recipes/language_modeling.py recipes/configs/language_modeling/lstm.yaml
    python recipes/language_modeling.py --dataset novel.txt --model gru --output_dir runs/novel
    hfseq generate runs/novel --prompt "It was" --temperature 0.8

A text file alone is cut in its order: the test split is its end. Takes YAML files and flags, the same as
`hfseq train`; without any, it trains an LSTM on the characters of builtin:stdlib-text. A run that was interrupted goes
on where it stopped when the same command is given again. A classifier begins as the model that came of it:

    hfseq train --dataset reviews.csv --model runs/novel
"""

import sys

from hfseq.training.script import run_script

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], task="causal_lm", dataset="builtin:stdlib-text"))
