"""Renders the report as one HTML file."""

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from hfseq.comparison.report.html.figures.summary import summary_view
from hfseq.comparison.report.html.view import dataset_view, glance

_PACKAGE = "hfseq.comparison.report.html"


def render_html(data: Mapping[str, Any]) -> str:
    """Renders the whole report.

    Args:
        data (`Mapping[str, Any]`): the dict of `report_data`.

    Returns:
        `str`: an HTML document that needs no other file and no network.
    """
    views = [dataset_view(dataset) for dataset in data["datasets"]]
    summary = summary_view(data["summary"]) if data.get("summary") else None
    figures = [figure for view in views for figure in view["figures"]]
    tables = {f"{view['id']}-{key}": table.to_dict() for view in views for key, table in view["tables"].items()}
    if summary and summary["figure"]:
        tables["summary-ranks"] = summary["figure"].table.to_dict()
    return (
        _environment()
        .get_template("page.jinja")
        .render(
            data=data,
            views=views,
            summary=summary,
            tables=tables,
            panels=max((len(figure.panels) for figure in figures), default=1),
            style=_asset("style.css"),
            script=_asset("report.js"),
        )
    )


def summary_html(data: Mapping[str, Any]) -> str:
    """Renders a small summary that can be embedded in another page, such as a notebook.

    Args:
        data (`Mapping[str, Any]`): the dict of `report_data`.

    Returns:
        `str`: HTML of the verdict and the most important figures of each data set, with its style.
    """
    views = [{"dataset": dataset, "glance": glance(dataset)} for dataset in data["datasets"]]
    return _environment().get_template("embedded.jinja").render(views=views)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # Many keys of the data are optional. A missing one is undefined, which counts as false.
    return Environment(loader=PackageLoader(_PACKAGE), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def _asset(name: str) -> Markup:
    return Markup(resources.files(_PACKAGE).joinpath(name).read_text(encoding="utf-8"))
