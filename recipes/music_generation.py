"""Music: train one model on pieces, and let it write three of its own, as MIDI files in the folder of the run.

    python recipes/music_generation.py recipes/configs/music_generation/gru.yaml
    python recipes/music_generation.py --dataset midi/ --model lstm --transpose 5 --output_dir runs/midi
    hfseq generate runs/midi --prompt beginning.mid --output piece.mid

Takes YAML files and flags, the same as `hfseq train`; without any, it trains an LSTM on builtin:melodies. Needs the
extra `music`. A run that was interrupted goes on where it stopped when the same command is given again.
"""

import sys

from hfseq.inference.generation import require_midi, write_samples
from hfseq.training.script import run_script

if __name__ == "__main__":
    sys.exit(
        run_script(
            sys.argv[1:], check=require_midi, finish=write_samples, task="causal_lm", dataset="builtin:melodies"
        )
    )
