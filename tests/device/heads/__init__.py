"""A sensor head, seen from the host."""
