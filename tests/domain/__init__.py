"""The rules of the domain, read a second time."""
