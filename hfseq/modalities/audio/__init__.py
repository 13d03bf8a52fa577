"""Audio: recordings as log-mel features."""
