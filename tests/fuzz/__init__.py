"""Damaged and malicious pictures by the million; `make fuzz`."""
