"""The use cases: what one run does, and the ports through which it does it."""
