"""Imports the cells of plug-ins that a saved model uses.

hfseq itself has none. Saving a model with such a cell writes a file of this name next to the weights, whose function
imports the code of the cell.
"""


def load_saved_cells() -> None:
    """Registers the cells whose code was saved with this model."""
