"""What plugins import from ``wsss_harness.files``, a module that is now two."""

from wsss_harness.system.files import write_json, write_text
from wsss_harness.system.pictures import write_mask

__all__ = ("write_json", "write_mask", "write_text")
