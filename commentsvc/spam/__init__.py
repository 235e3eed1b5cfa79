"""Does it look like spam? Facts in, a verdict with reasons out; knows no database."""
