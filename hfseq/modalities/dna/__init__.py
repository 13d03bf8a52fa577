"""DNA and RNA: sequences as k-mer tokens."""

# The processors that `import hfseq` registers with each Auto class of transformers.
AUTO_CLASSES = {"AutoTokenizer": ("tokenization_dna.DNATokenizer",)}
