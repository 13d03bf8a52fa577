"""The pictures of the report with the data behind them, made from the dict of `report_data`."""
