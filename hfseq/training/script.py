"""What the recipe scripts have in common."""

import sys
from collections.abc import Sequence
from typing import Any

from hfseq.errors import HfseqError
from hfseq.training.run import is_main_process, run_training
from hfseq.training.settings import read_settings, resolve


def run_script(argv: Sequence[str], **defaults: Any) -> int:
    """Reads the settings, trains, and prints the test metrics.

    Args:
        argv (`Sequence[str]`): YAML files and flags, the same as `hfseq train` takes.
        defaults: the script's settings, over which those of `argv` go.

    Returns:
        `int`: the exit code; 2 where something is wrong with settings or data.
    """
    try:
        record = run_training(resolve({**defaults, **read_settings(argv)}))
    except HfseqError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if is_main_process():
        sys.stdout.writelines(f"{name} {value:.4f}\n" for name, value in record.metrics["test"].items())
    return 0
