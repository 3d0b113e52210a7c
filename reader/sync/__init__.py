"""From one machine to the collector, by network or by stick: what travels, how it is signed, and when it is safe."""
