"""What the head must do, said once for both Pythons: `test_cases.py` runs every case on CPython and on MicroPython."""

from tests.device.firmware import cases_head, cases_line, cases_recorder, cases_selftest

KINDS = ("frames", "payloads", "recorder", "head", "selftest", "a", "levels", "reboot")
"""How the name of a case begins; what else stands beside them serves them."""
ALL = {
    name: getattr(part, name)
    for part in (cases_line, cases_recorder, cases_head, cases_selftest)
    for name in dir(part)
    if name.split("_")[0] in KINDS
}
