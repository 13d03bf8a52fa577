"""`python -m hfseq.comparison.baselines FOLDER/baseline.yaml`: executes the run of a baseline."""

import sys
from collections.abc import Sequence
from pathlib import Path

from hfseq.errors import HfseqError
from hfseq.signals import describe_interruption, exit_code, stop_on_signals

BAD_INPUT = 2


def main(argv: Sequence[str]) -> int:
    """Executes the run that a file describes, and returns the exit code, as `hfseq train` does."""
    from hfseq.comparison.baselines.run import run_baseline
    from hfseq.comparison.baselines.settings import read_baseline
    from hfseq.training.launched import follow_parent

    follow_parent()
    try:
        with stop_on_signals():
            name, arguments = read_baseline(Path(argv[0]))
            run_baseline(name, arguments)
            return 0
    except HfseqError as error:
        sys.stderr.write(f"hfseq: error: {error}\n")
        return BAD_INPUT
    except KeyboardInterrupt as interruption:
        sys.stderr.write(f"\nhfseq: {describe_interruption(interruption)}\n")
        return exit_code(interruption)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
