"""What can be proved of detectors, and measured on bars."""
