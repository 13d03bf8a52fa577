"""Speech recognition by CTC: train one model on recordings and their transcripts.

    python recipes/speech_recognition.py recipes/configs/speech_recognition/gru.yaml
    python recipes/speech_recognition.py --model transformer
    python recipes/speech_recognition.py --dataset digits/ --model gru --spec_augment
    torchrun --nproc_per_node 2 recipes/speech_recognition.py --dataset clips/metadata.csv --model lstm

Takes YAML files and flags, the same as `hfseq train`; without any, it trains an LSTM to read telephone keypad tones,
builtin:dtmf. A data set of one's own is a folder of wav or flac files with a `metadata.csv` (`file_name,text`), a
folder of such folders called train, validation and test, or tables with a column of paths and one of transcripts.
"""

import sys

from hfseq.training.script import run_script

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], task="ctc", dataset="builtin:dtmf"))
