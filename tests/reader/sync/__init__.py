"""The way to the collector."""
