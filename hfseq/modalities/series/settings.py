"""Settings of numeric series."""

from dataclasses import dataclass

from hfseq.data.bounds import AT_LEAST_1
from hfseq.data.settings import ModalitySettings, setting
from hfseq.modalities.shared_settings import IdColumnSettings, NormalizationSettings, NumericSettings


@dataclass(frozen=True)
class SeriesSettings(NormalizationSettings, IdColumnSettings, NumericSettings, ModalitySettings):
    """Numeric series in one or more channels."""

    group = "series"
    presets_like = "numeric"

    channels: int | None = setting(
        None,
        "Number of columns per step, in a table with one row per series: 2 for the columns x1,y1,x2,y2,... By default "
        "1.",
        bounds=AT_LEAST_1,
        per_model=True,
    )
    time_column: str | None = setting(
        None,
        "Column with the time of each step, or several columns such as `year,month`, in a table with one row per "
        "step. By default a column of dates, or of numbers whose name and values look like times.",
        per_model=True,
        for_new_data=True,
    )
    time_format: str | None = setting(
        None,
        "Format of the dates in the time column, such as `%d.%m.%Y`. By default it is detected.",
        per_model=True,
        for_new_data=True,
    )
    ignore_columns: list[str] | None = setting(
        None,
        "Columns of a table that are not channels of the series. Missing columns are allowed.",
        per_model=True,
        for_new_data=True,
    )
    missing_values: list[str] | None = setting(
        None, "Cells that mark a missing value in a column of numbers, such as `NA -`.", for_new_data=True
    )
