"""Audio: recordings as log-mel features."""

# The processors that `import hfseq` registers with each Auto class of transformers.
AUTO_CLASSES = {
    "AutoFeatureExtractor": ("feature_extraction_log_mel.LogMelFeatureExtractor",),
    "AutoProcessor": ("feature_extraction_log_mel.LogMelFeatureExtractor", "speech_processor.SpeechProcessor"),
}
