"""Runs every case under MicroPython, or those that are named: one line of JSON each, `[name, null or what went wrong]`."""

import gc
import io
import json
import sys

from tests.device.firmware import cases

for name in sys.argv[1:] or sorted(cases.ALL):
    gc.collect()
    try:
        cases.ALL[name]()
        print(json.dumps([name, None]))
    except Exception as wrong:  # noqa: BLE001  (whatever it was, it belongs to this case)
        text = io.StringIO()
        sys.print_exception(wrong, text)
        print(json.dumps([name, text.getvalue()]))
print(json.dumps(["heap", gc.mem_alloc() + gc.mem_free()]))
