"""What a running program shows over HTTP: its metrics, whether it lives, whether it is of use."""
