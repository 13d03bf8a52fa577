"""Causal language modelling of text and music."""
