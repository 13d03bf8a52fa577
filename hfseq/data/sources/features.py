"""Column types that are shared by file readers and built-in data sets."""

from datasets import Features, List, Value

# Sentences: one token and one tag per position.
TOKENS_AND_TAGS = Features({"tokens": List(Value("string")), "tags": List(Value("string"))})
# Pieces of music: the MIDI numbers of the sounding pitches per time step.
FRAMES = Features({"frames": List(List(Value("int64")))})
