"""A comparison for people to read: on a terminal, and as Markdown. It reads the dict of `comparison.json` alone."""

from hfseq.comparison.report.markdown import to_markdown
from hfseq.comparison.report.terminal import print_comparison, to_rich

__all__ = ["print_comparison", "to_markdown", "to_rich"]
