"""Captioning: train a model to describe images.

    python recipes/image_captioning.py recipes/configs/image_captioning/gru.yaml
    python recipes/image_captioning.py --dataset photos/ --model lstm --image_size 96
    torchrun --nproc_per_node 2 recipes/image_captioning.py recipes/configs/image_captioning/transformer.yaml

The arguments are YAML files and flags, as for `hfseq train`. Without a YAML file, the recipe uses
configs/image_captioning/lstm.yaml (a ResNet and an LSTM on builtin:digits-captions), and flags replace its settings.
With another --dataset, it trains the model of that file with default settings. A folder of images needs a metadata.csv
with the columns file_name and caption, which may list an image several times. To continue an interrupted run, run the
same command again.
"""

import sys
from pathlib import Path

from hfseq.training.script import run_script

CONFIG = Path(__file__).parent / "configs" / "image_captioning" / "lstm.yaml"

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], config=CONFIG, task="captioning", dataset="builtin:digits-captions"))
