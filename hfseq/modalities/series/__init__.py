"""Numeric series, in any number of channels."""
