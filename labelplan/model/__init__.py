"""Value objects: frozen, typed, without I/O. What the rest of labelplan talks about."""
