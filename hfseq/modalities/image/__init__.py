"""Images as pixel values."""

# The processors that `import hfseq` registers with each Auto class of transformers.
AUTO_CLASSES = {
    "AutoImageProcessor": ("image_processing.ImageProcessor",),
    "AutoProcessor": ("caption_processor.CaptionProcessor",),
}
