"""Forecasting of numeric series."""
