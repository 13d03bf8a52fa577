"""The data behind the sections of the report, computed from run records and saved predictions."""
