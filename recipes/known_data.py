"""Prepares known data sets, and collects the figures of the runs in recipes/configs/known in a table.

    python recipes/known_data.py fsdd downloads/free-spoken-digit-dataset
    python recipes/known_data.py flickr8k downloads/flickr8k --output data/flickr8k
    python recipes/known_data.py table --runs runs/known
    python recipes/known_data.py tune gunpoint --trials 20

With the name of a data set, the command converts a downloaded folder to a layout that hfseq reads, and writes it to
data/NAME or to --output. It downloads nothing and does not change the downloaded folder. `table` prints the table of
recipes/README.md from the records of the finished runs, in Markdown, and lists the runs that are missing. `tune`
chooses the settings for a small data set on a validation split, and writes them to its YAML files.
"""

import argparse
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from known.layouts import LAYOUTS
from known.table import make_table, missing_runs, read_runs
from known.tuning import VALIDATION, choose_settings

CONFIGS = Path(__file__).parent / "configs" / "known"


def main(argv: Sequence[str]) -> int:
    """Prepares one data set, or prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, layout in sorted(LAYOUTS.items()):
        command = commands.add_parser(name, help=f"prepare {name}", description=layout.__doc__)
        command.add_argument("source", type=Path, help="the downloaded folder")
        command.add_argument("--output", type=Path, default=Path("data", name), help="output folder (%(default)s)")
    command = commands.add_parser("table", help="print the table of all finished runs")
    command.add_argument("--runs", type=Path, default=Path("runs", "known"), help="folder of the runs (%(default)s)")
    command = commands.add_parser("tune", help="choose the settings for a small data set")
    command.add_argument("data", choices=sorted(VALIDATION), help="folder in recipes/configs/known")
    command.add_argument("--trials", type=int, default=20, help="number of trials of each model (%(default)s)")
    command.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds of the chosen settings")
    command.add_argument("--jobs", type=int, default=1, help="number of runs at the same time (%(default)s)")
    command.add_argument("--output", type=Path, help="folder of the comparison (comparisons/known/DATA)")
    arguments = parser.parse_args(argv)
    if arguments.name == "table":
        sys.stdout.write(table(arguments.runs))
        return 0
    if arguments.name == "tune":
        output = arguments.output or Path("comparisons", "known", arguments.data)
        lines = choose_settings(arguments.data, CONFIGS, arguments.trials, arguments.seeds, output, arguments.jobs)
        sys.stdout.write(f"{lines}\n")
        return 0
    if arguments.output.exists() and any(arguments.output.iterdir()):
        parser.error(f"{arguments.output} is not empty: choose another --output")
    arguments.output.mkdir(parents=True, exist_ok=True)
    try:
        LAYOUTS[arguments.name](arguments.source, arguments.output)
    except tarfile.TarError as error:
        parser.error(f"{arguments.source} has a damaged archive: {error}")
    except OSError as error:
        missing = error.filename or error
        parser.error(f"{arguments.source} is not a download of {arguments.name}: {missing} does not exist")
    sys.stdout.write(f"{arguments.name} is in {arguments.output}\n")
    return 0


def table(folder: Path) -> str:
    """The table of the runs in a folder, and a line per missing run with the command that trains it."""
    runs = read_runs(folder)
    lines = make_table(runs)
    if missing := missing_runs(runs, CONFIGS):
        lines += ["", f"{len(missing)} runs are missing:"]
        lines += [f"  hfseq train recipes/configs/known/{data}/{model}.yaml" for data, model in missing]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
