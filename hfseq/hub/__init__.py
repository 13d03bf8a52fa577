"""What a trained model needs to be shared: its model card."""
