"""Reports of a comparison, on the terminal and as Markdown. They read only the content of `comparison.json`."""

from hfseq.comparison.report.markdown import to_markdown
from hfseq.comparison.report.terminal import print_comparison, to_rich

__all__ = ["print_comparison", "to_markdown", "to_rich"]
