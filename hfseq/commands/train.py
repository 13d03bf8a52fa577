"""`hfseq train [config.yaml] [--setting value ...]`."""

import sys
from collections.abc import Sequence

USAGE = """usage: hfseq train [CONFIG.yaml] [--model NAME] [--dataset DATA] [--output_dir FOLDER] [--setting value ...]

Train one model. Every setting is a key of the YAML file or a flag; a flag wins.

  hfseq train --model gru --dataset reviews.csv --output_dir runs/gru
  hfseq train recipes/configs/sequence_classification/lstm.yaml --seed 1

`hfseq train --help-all` lists every setting with its default.
"""


def run(argv: Sequence[str]) -> int:
    """Trains, and prints the test metrics."""
    if "-h" in argv or "--help" in argv:
        sys.stdout.write(USAGE)
        return 0
    from hfseq.training.quick_checks import check_given
    from hfseq.training.reading import read_settings

    if "--help-all" in argv:
        from hfseq.commands.settings_help import print_all

        sys.stdout.write(print_all())
        return 0
    given = read_settings(argv)
    check_given(given)

    from hfseq.commands.quiet import quiet_libraries
    from hfseq.training.processes import is_main_process
    from hfseq.training.run import run_training
    from hfseq.training.run_files import resume_note
    from hfseq.training.settings import resolve

    quiet_libraries()
    arguments = resolve(given)
    with resume_note(arguments):
        record = run_training(arguments)
    if is_main_process():
        sys.stdout.write(f"\n{summary(record, arguments.folder)}\n")
    return 0


def summary(record, folder) -> str:
    """What a person wants to know when the training is over."""
    lines = [f"{record.name}, seed {record.seed}: {record.status}; model and run.json are in {folder}"]
    lines += [f"  note: {note}" for note in record.data.get("notes", [])]
    for split in ("validation", "test"):
        figures = (f"{name} {value:.4g}" for name, value in record.metrics.get(split, {}).items())
        lines.append(f"  {split}: {', '.join(figures)}")
    for name, metrics in record.data.get("baselines", {}).items():
        lines.append(f"  baseline {name}: {', '.join(f'{metric} {value:.4g}' for metric, value in metrics.items())}")
    return "\n".join(lines)
