"""Model families of hfseq. Each is a flat folder whose files are saved next to the weights."""
