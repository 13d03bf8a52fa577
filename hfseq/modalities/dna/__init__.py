"""DNA and RNA: sequences as k-mer tokens."""
