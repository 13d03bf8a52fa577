"""Token classification: train a model to predict a tag for each word of a sentence.

    python recipes/token_classification.py recipes/configs/token_classification/lstm.yaml
    python recipes/token_classification.py --dataset news.conll --model gru
    python recipes/token_classification.py --dataset news.conll --config_overrides use_crf=true,crf_constraints=bio
    torchrun --nproc_per_node 2 recipes/token_classification.py --dataset treebank/ --target_column xpos

The arguments are YAML files and flags, as for `hfseq train`. Without arguments, the recipe trains an LSTM on
builtin:code-tokens. To continue an interrupted run, run the same command again.
"""

import sys

from hfseq.training.script import run_script

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], task="token_classification", dataset="builtin:code-tokens"))
