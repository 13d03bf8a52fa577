"""Padding, collation, bucketing by length, and the compact store of encoded examples."""
