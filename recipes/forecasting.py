r"""Forecasting: train a model to predict the next values of numeric series.

    python recipes/forecasting.py recipes/configs/forecasting/gru.yaml
    python recipes/forecasting.py --dataset sales.csv --id_column shop --context_length 56 --prediction_length 14 \
        --seasonality 7
    python recipes/forecasting.py recipes/configs/forecasting/transformer.yaml --seed 1
    torchrun --nproc_per_node 2 recipes/forecasting.py --dataset load.csv --input_column load,temperature --model lstm

The arguments are YAML files and flags, as for `hfseq train`. Without a YAML file, the recipe uses
configs/forecasting/gru.yaml, and flags replace its settings. With another --dataset, it trains the model of that file
with default settings. To continue an interrupted run, run the same command again. Simple baselines (the last value,
the last season, a linear model) are evaluated too, and printed below the metrics of the model.
"""

import sys
from pathlib import Path

from hfseq.training.script import run_script

CONFIG = Path(__file__).parent / "configs" / "forecasting" / "gru.yaml"

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], config=CONFIG, task="forecasting", dataset="builtin:seasonal"))
