"""The root of every error this project raises knowingly.

LogicienneError
├── cards.load.LayoutError        (also ValueError): a layout file that cannot be used
├── device.frame.PictureError     (also ValueError): bytes that are no whole picture
├── calibration.errors.CalibrationError (also ValueError): pictures that teach nothing, a profile that does not fit
├── reader.store.StoreError       (also OSError): a store that cannot be opened or written
├── reader.sync.errors.SyncError  (also OSError): the collector or the stick could not be reached, or somebody else answers
└── reader.sync.errors.WireError  (also ValueError): something from there is not what it should be
"""


class LogicienneError(Exception):
    """Says what is wrong, where, and what to do next; the command line shows it as one line and ends with code 1."""
