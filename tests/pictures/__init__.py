"""Charts of signals."""
