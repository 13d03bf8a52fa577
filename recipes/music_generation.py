"""Music: train a model on pieces, and generate three pieces as MIDI files in the folder of the run.

    python recipes/music_generation.py recipes/configs/music_generation/gru.yaml
    python recipes/music_generation.py --dataset midi/ --model lstm --transpose 5 --output_dir runs/midi
    hfseq generate runs/midi --prompt beginning.mid --output piece.mid

The arguments are YAML files and flags, as for `hfseq train`. Without arguments, the recipe trains an LSTM on
builtin:melodies. It needs the extra `music`. To continue an interrupted run, run the same command again.
"""

import sys

from hfseq.inference.music_files import require_midi
from hfseq.inference.music_samples import write_samples
from hfseq.training.script import run_script

if __name__ == "__main__":
    sys.exit(
        run_script(
            sys.argv[1:], check=require_midi, finish=write_samples, task="causal_lm", dataset="builtin:melodies"
        )
    )
