"""Very many simulated sweeps: none may be read wrongly, and what a hand ordinarily does must be read."""
