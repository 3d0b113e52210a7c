"""The one SQLite file of a machine: an append-only list of facts, and the tables people read, made from it."""

from reader.store.errors import StoreError, StoreFull, StoreNewer
from reader.store.store import KINDS, Permanence, Store, StoredAnswer, default_path, open_store

__all__ = [
    "KINDS",
    "Permanence",
    "Store",
    "StoreError",
    "StoreFull",
    "StoreNewer",
    "StoredAnswer",
    "default_path",
    "open_store",
]
