"""What a trained model needs to be shared: its model card."""

# The record of a run, in its folder and in a repository of the Hub.
RECORD_NAME = "run.json"
