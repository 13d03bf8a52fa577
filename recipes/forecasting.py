r"""Forecasting: train one model to say what comes next in numeric series.

    python recipes/forecasting.py recipes/configs/forecasting/gru.yaml
    python recipes/forecasting.py --dataset sales.csv --id_column shop --context_length 56 --prediction_length 14 \
        --seasonality 7
    python recipes/forecasting.py recipes/configs/forecasting/transformer.yaml --seed 1
    torchrun --nproc_per_node 2 recipes/forecasting.py --dataset load.csv --input_column load,temperature --model lstm

Takes YAML files and flags, the same as `hfseq train`. Without a YAML file, it uses configs/forecasting/gru.yaml, whose
settings the flags replace one by one; with another --dataset, it trains that file's model with the usual settings. A
run that was interrupted continues when the same command is given again. What needs next to no training (the last
value, the last season, a linear map) is measured as well, and printed below the model's figures.
"""

import sys
from pathlib import Path

from hfseq.training.script import run_script

CONFIG = Path(__file__).parent / "configs" / "forecasting" / "gru.yaml"

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], config=CONFIG, task="forecasting", dataset="builtin:seasonal"))
