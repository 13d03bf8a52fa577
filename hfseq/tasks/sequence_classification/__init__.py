"""Classification and regression of whole sequences."""
