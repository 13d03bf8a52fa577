"""Transcription with connectionist temporal classification (CTC)."""
