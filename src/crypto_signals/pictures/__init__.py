"""Charts of signals, drawn only when one is owed."""
