"""The machine at work: source → reading → store → panel, in one loop that loses and repeats nothing.

Begin with `Service.run`. `words` holds what the panel says in each language.
"""

from reader.service.loop import Service, Work

__all__ = ["Service", "Work"]
