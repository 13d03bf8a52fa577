"""Numeric series.

- `modality.py`: whole series, to classify or to predict a number from. `history.py`: the past of series, to forecast.
- `table.py` reads a table, by its layout: `wide_table.py` (one row per series), `long_table.py` and `step_table.py`
  (one row per step), `list_columns.py` (lists), `files.py` (one file per series). `ts.py` reads `.ts` files.
- `table_roles.py`, `step_roles.py`, `row_names.py`, `row_numbers.py`, `find_times.py`: what each column is for.
- `times.py`, `clocks.py`, `date_formats.py`, `time_gaps.py`: reading times and dates.
- `feature_extraction_series.py`, `channel_values.py`, `windows.py`: the inputs of a model.
"""

# The processors that `import hfseq` registers with each Auto class of transformers.
AUTO_CLASSES = {
    "AutoFeatureExtractor": ("feature_extraction_series.SeriesFeatureExtractor",),
    "AutoProcessor": ("feature_extraction_series.SeriesFeatureExtractor",),
}
