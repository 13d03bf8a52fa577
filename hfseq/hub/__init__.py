"""Sharing of trained models: model cards and uploads to the Hub."""

# File name of the run record, in the folder of a run and in a repository on the Hub.
RECORD_NAME = "run.json"
