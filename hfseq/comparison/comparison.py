"""The result of a comparison as a Python object."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfseq.comparison.report.records import model_records
from hfseq.comparison.run_result import RunResult
from hfseq.comparison.saved import read_comparison
from hfseq.errors import HfseqError
from hfseq.writing import write_text

if TYPE_CHECKING:
    import pandas as pd

HTML_NAME = "report.html"


class Comparison(Mapping[str, Any]):
    """The result of [`compare`]. It is also a mapping: the content of `comparison.json`, see [`collect`].

    Args:
        content (`dict`): the content of `comparison.json`.
        folder (`Path`): folder of the comparison.
        runs (`Sequence[RunResult]`): the result of each run, ordered by model, then by seed.

    Example:

    ```py
    >>> import hfseq
    >>> comparison = hfseq.compare(models=["lstm", "minilm"], dataset="reviews.csv", seeds=[0, 1, 2])
    >>> print(comparison.verdict)
    >>> comparison.to_pandas()
    ```
    """

    def __init__(self, content: Mapping[str, Any], folder: str | Path, runs: Sequence[RunResult] = ()):
        self._content = dict(content)
        self.folder = Path(folder)
        self.runs = tuple(runs)

    @classmethod
    def load(cls, folder: str | Path) -> "Comparison":
        """Loads a finished comparison. One that an earlier version wrote is made again from its runs.

        Args:
            folder (`str` or `Path`): the `output_dir` of the comparison.

        Raises:
            HfseqError: there is no comparison in the folder, it is damaged, or this version cannot read it.
        """
        folder = Path(folder).expanduser()
        content, runs = read_comparison(folder)
        return cls(content, folder, runs)

    def __getitem__(self, key: str) -> Any:
        return self._content[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    @property
    def recommended(self) -> str | None:
        """Name of the recommended model; `None` if no model finished, or if none beats the best baseline."""
        recommendation = self._content["recommendation"]
        return recommendation["model"] if recommendation else None

    @property
    def verdict(self) -> str:
        """Which model to choose and why, or what the data cannot tell; or why no model finished."""
        recommendation = self._content["recommendation"]
        if recommendation:
            return recommendation["sentence"]
        reasons = (f"{name}: {model.get('reason', 'unknown reason')}" for name, model in self["models"].items())
        return f"No model finished. {'; '.join(reasons)}"

    def to_pandas(self) -> "pd.DataFrame":
        """The comparison as a data frame.

        Returns:
            `pandas.DataFrame`: one row per model, with its name as the index. Columns: `kind`, `status`,
            `recommended`; each metric of the test split (its mean over the seeds), `<metric>_std` (its standard
            deviation, missing for one seed), `<metric>_low` and `<metric>_high` (its 95 % interval); then the costs,
            such as `train_seconds` and `size_on_disk_bytes`.
        """
        import pandas as pd

        return pd.DataFrame(model_records(self)).set_index("model")

    def save_html(self, path: str | Path | None = None) -> Path:
        """Writes the report as one HTML file, which needs no network.

        Args:
            path (`str` or `Path`, *optional*, defaults to `report.html` in the folder of the comparison): the file.

        Returns:
            `Path`: the file.

        Raises:
            HfseqError: the file cannot be written.
        """
        return save_html([self], self.folder / HTML_NAME if path is None else path)

    def plot_pareto(self, cost: str | None = None) -> "Picture":
        """Draws the quality of the models against a cost, with their intervals. Notebooks show the result.

        Args:
            cost (`str`, *optional*): key of the cost, such as `"latency_p50_ms"`, `"size_on_disk_bytes"` or
                `"train_seconds"`. By default the cost that decided, or the first one that is known.

        Returns:
            `Picture`: `svg` is the picture; `save(path)` writes it.

        Raises:
            HfseqError: fewer than two models have this cost.
        """
        from hfseq.comparison.report.html.data import report_data
        from hfseq.comparison.report.html.figures.cost import pareto_svg

        (dataset,) = report_data([self], from_runs=False)["datasets"]
        try:
            return Picture(str(pareto_svg(dataset, cost)))
        except ValueError as error:
            raise HfseqError(str(error)) from error

    def __repr__(self) -> str:
        data = self["data"].get("description", "unknown data")
        return f"Comparison of {', '.join(self['models'])} on {data}\n{self.verdict}"

    def _repr_html_(self) -> str:
        from hfseq.comparison.report.html.data import report_data
        from hfseq.comparison.report.html.page import summary_html

        return summary_html(report_data([self], from_runs=False))


@dataclass(frozen=True)
class Picture:
    """A picture that notebooks show.

    Attributes:
        svg (`str`): the SVG document.
    """

    svg: str

    def save(self, path: str | Path) -> Path:
        """Writes the picture to a file, and returns its path."""
        target = Path(path).expanduser()
        write_text(target, self.svg)
        return target

    def _repr_svg_(self) -> str:
        return self.svg


def save_html(comparisons: Sequence[Comparison], path: str | Path) -> Path:
    """Writes the report of one or several comparisons as one HTML file.

    Args:
        comparisons (`Sequence[Comparison]`): one per data set.
        path (`str` or `Path`): the file.

    Returns:
        `Path`: the file.

    Raises:
        HfseqError: the file cannot be written.
    """
    from hfseq.comparison.report.html.data import report_data
    from hfseq.comparison.report.html.page import render_html

    target = Path(path).expanduser()
    write_text(target, render_html(report_data(comparisons)))
    return target
