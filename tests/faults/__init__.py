"""What a power cut, a kill and a lying disk do to the store. `make faults` runs it long; the tests run a part of it."""
