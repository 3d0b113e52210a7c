"""The server that machines sync to: every machine's records in one place, each once, and exports over all of them.

Begin with `ingest` (what comes in), `union` (what goes out) and `app` (over HTTP). See docs/collector.md.
"""
