"""Run a command without a network but loopback: `python offline.py COMMAND …`; `--which` says which guard is in force.

A network namespace of its own where the kernel grants one (as root, or in a user namespace), else a guard in every
Python process below that refuses to connect anywhere but to this machine.
"""

import ctypes
import os
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1  # linux/sockios.h, linux/if.h
LOCAL = ("127.", "::1", "localhost", "0.0.0.0")


def enter_namespace() -> bool:
    """Move this process into a network namespace that holds loopback alone, and bring loopback up."""
    import fcntl

    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
            return False
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        name = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(probe, SIOCGIFFLAGS, name))[1]
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))
    return True


def can_enter_namespace() -> bool:
    """Whether `enter_namespace` works, tried in a child: some kernels grant the namespace, but no loopback in it."""
    if not sys.platform.startswith("linux"):
        return False
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if enter_namespace() else 1)
        except BaseException:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def refuse_sockets() -> None:
    """Make this Python process refuse to connect, and to look up names, anywhere but on this machine."""
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(host) -> None:
        if isinstance(host, bytes):
            host = host.decode()
        if host and not str(host).startswith(LOCAL):
            raise OSError(f"Expected loopback only, but got {host}. Lessons run without a network.")

    def guarded(original):
        def call(self, address):
            check(address[0] if isinstance(address, tuple) else None)
            return original(self, address)

        return call

    def guarded_look_up(host, *args, **kwargs):
        check(host)
        return look_up(host, *args, **kwargs)

    socket.socket.connect, socket.socket.connect_ex = guarded(connect), guarded(connect_ex)
    socket.getaddrinfo = guarded_look_up


def guarded_environment(folder: str) -> dict[str, str]:
    """The environment in which every Python process calls `refuse_sockets` first."""
    line = f"import runpy\nrunpy.run_path({str(Path(__file__).resolve())!r})['refuse_sockets']()\n"
    Path(folder, "sitecustomize.py").write_text(line)
    paths = [folder, os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def main(arguments: list[str]) -> int:
    """Run `arguments` behind the guard that this machine allows; COURSE_OFFLINE=guard asks for the weaker one."""
    namespace = os.environ.get("COURSE_OFFLINE") != "guard" and can_enter_namespace()
    if arguments == ["--which"]:
        print("network namespace" if namespace else "socket guard")
        return 0
    if namespace:
        enter_namespace()
        os.execvp(arguments[0], arguments)
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(arguments, env=guarded_environment(folder)).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
