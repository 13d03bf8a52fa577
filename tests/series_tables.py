"""Tables of series for tests."""

import numpy as np

SIZES = {"context_length": 8, "prediction_length": 4, "seasonality": 4}


def write_table(path, steps=120, ids=("north", "south"), gap=None):
    """Writes one row per step: two channels with a season of 4 and noise. The value of row `gap` is missing."""
    source = np.random.default_rng(0)
    lines = ["day,shop,sold,returned"]
    for name in ids:
        for step in range(steps):
            season = np.sin(np.pi * step / 2)
            sold = "" if step == gap else f"{100 + 10 * season + source.normal():.3f}"
            returned = 5 - season + 0.1 * source.normal()
            lines.append(f"{np.datetime64('2024-01-01') + step},{name},{sold},{returned:.3f}")
    path.write_text("\n".join(lines) + "\n")
    return path
