"""Columns of a table, inference of the problem type, and encoding of labels."""
