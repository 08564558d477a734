"""The sentinel command."""
