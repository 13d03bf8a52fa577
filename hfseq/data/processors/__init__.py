"""How raw columns become model inputs: one file a modality, each saved beside the model."""
