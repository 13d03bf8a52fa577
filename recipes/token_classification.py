"""Token classification: train one model to give each word of a sentence its tag.

    python recipes/token_classification.py recipes/configs/token_classification/lstm.yaml
    python recipes/token_classification.py --dataset news.conll --model gru
    python recipes/token_classification.py --dataset news.conll --config_overrides use_crf=true,crf_constraints=bio
    torchrun --nproc_per_node 2 recipes/token_classification.py --dataset treebank/ --target_column xpos

Takes YAML files and flags, the same as `hfseq train`; without any, it trains an LSTM on builtin:code-tokens. A run
that was interrupted goes on where it stopped when the same command is given again.
"""

import sys

from hfseq.training.script import run_script

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], task="token_classification", dataset="builtin:code-tokens"))
