"""Creation of missing splits, overlaps between splits, and fingerprints."""
