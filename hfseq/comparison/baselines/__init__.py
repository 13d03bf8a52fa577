"""Baselines in a comparison: planned and run like models, each in its own process.

`python -m hfseq.comparison.baselines FOLDER/baseline.yaml` executes one.
"""
