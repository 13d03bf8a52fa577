"""What the recipe scripts have in common."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hfseq.errors import HfseqError
from hfseq.training.run import is_main_process, run_training
from hfseq.training.settings import read_settings, resolve


def run_script(
    argv: Sequence[str],
    *,
    check: Callable[[], Any] | None = None,
    finish: Callable[[Path], Any] | None = None,
    **defaults: Any,
) -> int:
    """Reads the settings, trains, and prints the test metrics.

    Args:
        argv (`Sequence[str]`): YAML files and flags, the same as `hfseq train` takes.
        check (`Callable`, *optional*): called first; an error of it is told before anything is trained.
        finish (`Callable`, *optional*): called with the run's folder when the training is over.
        defaults: the script's settings, over which those of `argv` go.

    Returns:
        `int`: the exit code; 2 where something is wrong with settings or data.
    """
    try:
        if check is not None:
            check()
        arguments = resolve({**defaults, **read_settings(argv)})
        record = run_training(arguments)
        if finish is not None and is_main_process():
            finish(arguments.folder)
    except HfseqError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if is_main_process():
        sys.stdout.writelines(f"{name} {value:.4f}\n" for name, value in record.metrics["test"].items())
        for name, metrics in record.data.get("baselines", {}).items():
            sys.stdout.writelines(f"{name}: {metric} {value:.4f}\n" for metric, value in metrics.items())
    return 0
