"""From bars to detections: pure numerics, causal, without I/O or clock."""

from crypto_signals import compile_cache

compile_cache.choose()
