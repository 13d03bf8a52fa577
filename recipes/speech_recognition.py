"""Speech recognition with CTC: train a model on recordings and their transcripts.

    python recipes/speech_recognition.py recipes/configs/speech_recognition/gru.yaml
    python recipes/speech_recognition.py --model transformer
    python recipes/speech_recognition.py --dataset digits/ --model gru --spec_augment
    torchrun --nproc_per_node 2 recipes/speech_recognition.py --dataset clips/metadata.csv --model lstm

The arguments are YAML files and flags, as for `hfseq train`. Without arguments, the recipe trains an LSTM to
transcribe telephone keypad tones (builtin:dtmf). Your own data can be a folder of wav or flac files with a
`metadata.csv` (`file_name,text`), a folder with such folders named train, validation and test, or tables with a column
of paths and a column of transcripts. To continue an interrupted run, run the same command again.
"""

import sys

from hfseq.training.script import run_script

if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:], task="ctc", dataset="builtin:dtmf"))
