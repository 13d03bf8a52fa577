"""Readers of file formats, one file a format."""
