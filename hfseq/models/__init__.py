"""Model families of hfseq's own. Each is one flat folder that travels to the Hub with its weights."""
