"""Where closed signals are kept for good."""
