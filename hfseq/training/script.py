"""Code that the recipe scripts share."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hfseq.data.arguments import data_settings
from hfseq.data.settings import declared_settings
from hfseq.errors import HfseqError
from hfseq.modalities.shared_settings import TokenizerSettings
from hfseq.signals import describe_interruption, exit_code, stop_on_signals
from hfseq.training.processes import is_main_process
from hfseq.training.reading import YAML_SUFFIXES, layer, read_settings, read_yaml
from hfseq.training.run import run_training
from hfseq.training.run_files import resume_note
from hfseq.training.settings import resolve

# Flags that select another model.
_MODEL_NAMES = ("model", "model_type", "finetuning")


def run_script(
    argv: Sequence[str],
    *,
    check: Callable[[], Any] | None = None,
    finish: Callable[[Path], Any] | None = None,
    config: Path | None = None,
    **defaults: Any,
) -> int:
    """Reads the settings, trains, and prints the test metrics.

    Args:
        argv (`Sequence[str]`): YAML files and flags, as for `hfseq train`.
        check (`Callable`, *optional*): called before the training, for example to check that a library is installed.
        finish (`Callable`, *optional*): called with the folder of the run after the training.
        config (`Path`, *optional*): the YAML file if `argv` names none; see [`with_config`].
        defaults: settings of the script. Those of `argv` win.

    Returns:
        `int`: the exit code; 2 for invalid settings or data; 130, 143 or 129 after an
        interruption.
    """
    try:
        if check is not None:
            check()
        given = read_settings(argv)
        if config is not None and not (argv and argv[0].endswith(YAML_SUFFIXES)):
            given = with_config(given, config)
        arguments = resolve({**defaults, **given})
        with stop_on_signals(), resume_note(arguments):
            record = run_training(arguments)
            if finish is not None and is_main_process():
                finish(arguments.folder)
    except HfseqError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt as error:
        sys.stderr.write(f"\n{describe_interruption(error)}\n")
        return exit_code(error)
    if is_main_process():
        sys.stdout.write(f"model and run.json are in {arguments.folder}\n")
        sys.stdout.writelines(f"{name} {value:.4f}\n" for name, value in record.metrics["test"].items())
        for name, metrics in record.data.get("baselines", {}).items():
            sys.stdout.writelines(f"{name}: {metric} {value:.4f}\n" for metric, value in metrics.items())
    return 0


def with_config(given: Mapping[str, Any], config: Path) -> dict[str, Any]:
    """Settings that were given, on top of those of the script's YAML file.

    The file is made for one data set and one model. For another data set, only its `model` is used; for another model,
    only its settings of the data.

    Args:
        given (`Mapping[str, Any]`): the settings that were given as flags.
        config (`Path`): the YAML file.
    """
    values = read_yaml(config)
    if given.get("dataset", values.get("dataset")) != values.get("dataset"):
        values = {name: value for name, value in values.items() if name == "model"}
    if any(name in given for name in _MODEL_NAMES):
        data = data_settings().keys() - declared_settings(TokenizerSettings).keys()
        values = {name: value for name, value in values.items() if name in data}
    return layer(values, given)
