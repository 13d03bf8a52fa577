"""Video: sequences of frames."""
