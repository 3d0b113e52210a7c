"""The one SQLite file of a machine: an append-only list of facts, and the tables people read, made from it."""

from reader.store.errors import StoreDamaged, StoreError, StoreFull, StoreNewer
from reader.store.opening import default_path, open_store
from reader.store.store import KINDS, Permanence, Store, StoredAnswer

__all__ = [
    "KINDS",
    "Permanence",
    "Store",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreNewer",
    "StoredAnswer",
    "default_path",
    "open_store",
]
