"""Predictions and generation with saved models."""
