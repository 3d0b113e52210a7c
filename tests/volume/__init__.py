"""Reading by camera in bulk: `python -m tests.volume` renders and reads millions of positions, and keeps what went wrong."""
