"""Music: steps of pitches as tokens."""
