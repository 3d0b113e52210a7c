"""One module per kind of source, each with `make(where, options)`; loaded by `device.source.open_source` when named."""
