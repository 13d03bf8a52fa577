"""`hfseq train [CONFIG.yaml ...] [--SETTING VALUE ...]`."""

import argparse
import sys
from collections.abc import Sequence

from hfseq.commands.settings_help import help_page, split_help
from hfseq.training.all_settings import all_settings
from hfseq.training.model_arguments import ModelArguments
from hfseq.training.quick_checks import check_given
from hfseq.training.reading import SettingsParser, read_settings

_INTRODUCTION = (
    "usage: hfseq train [CONFIG.yaml ...] [--model MODEL] [--dataset DATA] [--SETTING VALUE ...]",
    "Train one model. Every setting is a flag and a key of YAML files. A flag wins over a file, and a later file wins "
    "over an earlier one.",
    "  hfseq train --model gru --dataset reviews.csv --output_dir runs/gru\n"
    "  hfseq train runs/gru/config.yaml --seed 1 --output_dir runs/gru-1",
)


def make_parser() -> argparse.ArgumentParser:
    """The parser of all flags of the command."""
    return SettingsParser(all_settings())


def run(argv: Sequence[str]) -> int:
    """Trains a model, and prints the test metrics."""
    topic, words = split_help(argv)
    given = read_settings(words)
    if topic is not None:
        model = given.get("model", ModelArguments.model)
        sys.stdout.write(help_page("train", _INTRODUCTION, topic, [model], given) + "\n")
        return 0
    check_given(given)

    from hfseq.commands.quiet import quiet_libraries
    from hfseq.training.launched import follow_parent
    from hfseq.training.processes import is_main_process
    from hfseq.training.run import run_training
    from hfseq.training.run_files import resume_note
    from hfseq.training.settings import resolve

    follow_parent()
    quiet_libraries()
    arguments = resolve(given)
    with resume_note(arguments):
        record = run_training(arguments)
    if is_main_process():
        sys.stdout.write(f"\n{summary(record, arguments.folder)}\n")
    return 0


def summary(record, folder) -> str:
    """The result of a training as text: status, folder, notes, and metrics."""
    lines = [f"{record.name}, seed {record.seed}: {record.status}; model and run.json are in {folder}"]
    lines += [f"  note: {note}" for note in record.data.get("notes", [])]
    for split in ("validation", "test"):
        figures = (f"{name} {value:.4g}" for name, value in record.metrics.get(split, {}).items())
        lines.append(f"  {split}: {', '.join(figures)}")
    for name, metrics in record.data.get("baselines", {}).items():
        lines.append(f"  baseline {name}: {', '.join(f'{metric} {value:.4g}' for metric, value in metrics.items())}")
    return "\n".join(lines)
