"""Commands under the names that schedulers know them by."""
