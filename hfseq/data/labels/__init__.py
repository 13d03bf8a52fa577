"""Columns of a table, kinds of labels, and their encoding."""
