"""Padding, collation, bucketing by length, and a compact store of encoded examples."""
