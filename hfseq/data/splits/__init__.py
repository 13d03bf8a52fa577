"""Missing splits, overlaps between splits, and fingerprints."""
