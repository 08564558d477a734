"""From bars to detections: pure numerics, causal, without I/O or clock."""
