"""What mmengine keeps by name in a process: loggers, message hubs, visualizers, scopes.

Apart from the networks, so that a stage that only counts does not wait for them to be imported.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.logging import MMLogger
from mmengine.utils import ManagerMixin


@contextmanager
def no_trace() -> Iterator[None]:
    """Remove the named instances that a Runner leaves."""
    before = {manager: set(manager._instance_dict) for manager in ManagerMixin.__subclasses__()}
    try:
        yield
    finally:
        for manager in ManagerMixin.__subclasses__():  # perhaps imported meanwhile
            for name in set(manager._instance_dict) - before.get(manager, set()):
                instance = manager._instance_dict.pop(name)
                for handler in getattr(instance, "handlers", ())[1:]:  # the first is the terminal
                    handler.close()


@contextmanager
def silent() -> Iterator[None]:
    """Keep the log off the terminal."""
    with no_trace():
        MMLogger.get_instance("silent", log_level="CRITICAL")
        yield
