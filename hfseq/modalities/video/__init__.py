"""Video: sequences of frames."""

# The processors that `import hfseq` registers with each Auto class of transformers.
AUTO_CLASSES = {
    "AutoFeatureExtractor": ("feature_extraction_video.VideoFeatureExtractor",),
    "AutoProcessor": ("feature_extraction_video.VideoFeatureExtractor",),
}
