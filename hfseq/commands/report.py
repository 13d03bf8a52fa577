"""`hfseq report FOLDER ... [--output FILE] [--export csv|md|latex|svg]`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hfseq.commands import CommandParser
from hfseq.commands.output import open_output
from hfseq.errors import HfseqError

if TYPE_CHECKING:
    from hfseq.comparison.comparison import Comparison

# The formats of `hfseq.comparison.report.exports`, which is imported later.
_FORMATS = ("csv", "md", "latex", "svg")


def make_parser() -> argparse.ArgumentParser:
    """The parser of the flags of the command."""
    parser = CommandParser("report")
    parser.add_argument(
        "folders",
        nargs="+",
        metavar="FOLDER",
        help="folder of a comparison, or of a single run; several for several data sets or machines",
    )
    parser.add_argument(
        "--output",
        help="the file, or with --export svg the folder (default: report.html in the folder of the comparison, or in "
        "the current folder if there are several; exports are written to the screen, pictures to report-pictures)",
    )
    parser.add_argument(
        "--export",
        choices=_FORMATS,
        help="instead of the page: csv (all figures with their intervals), md (Markdown), latex (tables for the "
        "package booktabs), svg (the pictures)",
    )
    return parser


def run(argv: Sequence[str]) -> int:
    """Makes the report of comparisons again, from the folders of their runs."""
    arguments = make_parser().parse_args(argv)
    from hfseq.comparison.comparison import HTML_NAME
    from hfseq.comparison.gathering import gather

    comparisons = gather(arguments.folders)
    if arguments.export == "svg":
        return _export_pictures(comparisons, arguments.output)
    if arguments.export is not None:
        from hfseq.comparison.report.exports import to_text

        with open_output(arguments.output) as out:
            out.write(to_text(comparisons, arguments.export))
        return 0
    default = comparisons[0].folder / HTML_NAME if len(arguments.folders) == len(comparisons) == 1 else Path(HTML_NAME)
    return _write_page(comparisons, arguments.output, default)


def _write_page(comparisons: Sequence["Comparison"], output: str | None, default: Path) -> int:
    from hfseq.comparison.comparison import save_html
    from hfseq.formatting import size

    if output is not None and Path(output).expanduser().is_dir():
        raise HfseqError(f"--output {output} is a folder; name a file such as {Path(output, default.name)}")
    path = save_html(comparisons, output or default)
    for comparison in comparisons:
        sys.stdout.write(f"{comparison.verdict}\n")
    sys.stdout.write(f"{path} ({size(path.stat().st_size)})\n")
    return 0


def _export_pictures(comparisons: Sequence["Comparison"], output: str | None) -> int:
    from hfseq.comparison.report.exports import save_pictures

    folder = Path(output or "report-pictures").expanduser()
    if folder.exists() and not folder.is_dir():
        raise HfseqError(f"--output {folder} is a file; --export svg writes several files: name a folder")
    written = save_pictures(comparisons, folder)
    sys.stdout.writelines(f"{path}\n" for path in written)
    if not written:
        raise HfseqError("the comparison has no picture: no cost or no history of two models is known")
    return 0
