"""Processes that start at once, as copies (`fork`) of one that has already imported the libraries."""

from hfseq.comparison.forking.client import ForkServer, start_process

__all__ = ["ForkServer", "start_process"]
