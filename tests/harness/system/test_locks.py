"""Exclusive and shared locks."""

import sys

import pytest

from wsss_harness.system.locks import Busy, exclusive, shared


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "lock"


def test_exclusive_lock_keeps_everybody_else_out(lock):
    with exclusive(lock, wait=False):
        for kind in (exclusive, shared):
            with pytest.raises(Busy), kind(lock, wait=False):
                pass


def test_shared_lock_lets_in_those_that_share_it(lock):
    sharing = shared(lock, wait=False), shared(lock, wait=False)
    with sharing[0], sharing[1], pytest.raises(Busy), exclusive(lock, wait=False):
        pass


def test_shared_lock_without_fcntl_is_exclusive(lock, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with shared(lock, wait=False), pytest.raises(Busy), shared(lock, wait=False):
        pass


def test_released_lock_can_be_taken_again(lock):
    for kind in (exclusive, shared, exclusive):
        with kind(lock, wait=False):
            pass
