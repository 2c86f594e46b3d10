"""The guard that keeps lessons off the network, in both of its kinds: it blocks, and loopback works."""

import sys

import pytest

LOOPBACK = """
import socket
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen()
socket.create_connection(server.getsockname(), 5)
print("loopback works")
"""
OUTSIDE = """
import socket
for target in (("192.0.2.1", 80), ("example.org", 80), ("2001:db8::1", 80)):
    try:
        socket.create_connection(target, 5)
    except OSError as error:
        assert not isinstance(error, TimeoutError), "the guard let the packet out"
        print("refused", target[0])
"""
CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], check=True)"
KINDS = [{}, {"COURSE_OFFLINE": "guard"}]


@pytest.mark.parametrize("kind", KINDS, ids=["as here", "socket guard"])
def test_loopback_works(offline, kind):
    """Kernels and servers reach each other on this machine."""
    done = offline(sys.executable, "-c", LOOPBACK, **kind)
    assert done.returncode == 0 and "loopback works" in done.stdout


@pytest.mark.parametrize("kind", KINDS, ids=["as here", "socket guard"])
def test_everything_else_is_refused_at_once(offline, kind):
    """Addresses and names outside are refused without waiting, also in a process that the command starts."""
    done = offline(sys.executable, "-c", CHILD, OUTSIDE, **kind)
    assert done.stdout.count("refused") == 3, done.stdout


def test_guard_says_what_it_refuses(offline):
    """The socket guard names the address, so that a lesson that reaches out is found."""
    command = "import socket; socket.create_connection(('192.0.2.1', 80), 5)"
    done = offline(sys.executable, "-c", command, COURSE_OFFLINE="guard")
    assert done.returncode == 1 and "Expected loopback only, but got 192.0.2.1" in done.stdout


def test_exit_status_is_handed_on(offline):
    """What the command returns comes out, so that a failing lesson fails its test."""
    for kind in KINDS:
        assert offline(sys.executable, "-c", "raise SystemExit(7)", **kind).returncode == 7
