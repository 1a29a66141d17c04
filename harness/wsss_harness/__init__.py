"""The harness of wsss-bench. What plugins import is announced in ``__init__.pyi``, and only that.

Names are loaded when they are first used, so that a command starts without torch.
"""

import lazy_loader

from wsss_harness.contract import old_paths

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
old_paths.install()
