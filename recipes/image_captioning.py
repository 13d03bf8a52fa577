"""Captioning: train one model to say what is in a picture.

    python recipes/image_captioning.py recipes/configs/image_captioning/gru.yaml
    python recipes/image_captioning.py --dataset photos/ --model lstm --image_size 96
    torchrun --nproc_per_node 2 recipes/image_captioning.py recipes/configs/image_captioning/transformer.yaml

Takes YAML files and flags, the same as `hfseq train`. Without a YAML file, it uses configs/image_captioning/lstm.yaml
(a ResNet and an LSTM on builtin:digits-captions), whose settings the flags replace one by one; with another --dataset,
it trains that file's model with the usual settings. A folder of pictures has a metadata.csv with the columns
file_name and caption; a picture may stand there several times. A run that was interrupted goes on where it
stopped when the same command is given again.
"""

import sys
from pathlib import Path

from hfseq.training.script import run_script

CONFIG = Path(__file__).parent / "configs" / "image_captioning" / "lstm.yaml"

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], config=CONFIG, task="captioning", dataset="builtin:digits-captions"))
