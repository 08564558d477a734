"""The facts and rules of a signal's life: pure, without I/O, clock or arrays."""
