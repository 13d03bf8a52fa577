"""Types of the columns that file readers and built-in data sets both produce."""

from datasets import Features, List, Value

# One token and one tag for each position of a sentence.
TOKENS_AND_TAGS = Features({"tokens": List(Value("string")), "tags": List(Value("string"))})
# A piece of music: for each time step, the MIDI numbers of the pitches that sound.
FRAMES = Features({"frames": List(List(Value("int64")))})
