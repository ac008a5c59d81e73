"""Runs a program as systemd would run a unit's: its user, its state folder and sockets, its limits.

as-unit.py UNIT INSTANCE STATE USERS CREDENTIALS -- PROGRAM...

USERS is `name=number,...`: users that need not exist on this machine. What the unit says of user,
state folder, socket's owner and mode, network, core dumps, privileges and executable memory is done;
system calls are not filtered, and the file system is the machine's own.
"""
import ctypes
import os
import re
import resource
import sys

libc = ctypes.CDLL(None, use_errno=True)
SET_NO_NEW_PRIVS, SET_MDWE, GET_MDWE, REFUSE_EXEC_GAIN = 38, 65, 66, 1
BOUNDING_SET_DROP, NEW_NETWORK, NEW_MOUNTS = 24, 0x40000000, 0x00020000
BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000


def must(result):
    if result != 0:
        number = ctypes.get_errno()
        sys.exit(f"as-unit: {os.strerror(number)}")


def entries(path):
    found = {}
    with open(path, encoding="utf8") as file:
        for line in file:
            match = re.match(r"^(\w+)=(.*)$", line)
            if match:
                found.setdefault(match[1], []).append(match[2])
    return found


def last(unit, name, otherwise=""):
    return unit.get(name, [otherwise])[-1]


def own(path, user):
    """What systemd does with a state folder that is another's (systemd.exec(5))."""
    os.chown(path, user, user, follow_symlinks=False)
    if os.path.isdir(path) and not os.path.islink(path):
        for name in os.listdir(path):
            own(os.path.join(path, name), user)


def sockets(folder, file, instance, unit, users, run):
    template = f"{file[: -len('.service')]}.socket"
    for name in last(unit, "Sockets", template).split():
        socket = entries(os.path.join(folder, name))
        place = last(socket, "ListenStream").replace("%i", instance)
        if place.startswith("/run/twinlock/"):
            path = os.path.join(run, os.path.basename(place))
            os.chown(path, users.get(last(socket, "SocketUser", "root"), 0), 0)
            os.chmod(path, int(last(socket, "SocketMode", "0666"), 8))


def main():
    path, instance, state, named, credentials, _, *program = sys.argv[1:]
    unit = entries(path)
    users = {name: int(number) for name, number in (each.split("=") for each in named.split(","))}
    user = users[last(unit, "User")]
    folder, file = os.path.split(path)
    sockets(folder, file, instance, unit, users, os.path.join(state, "run"))
    home = os.path.join(state, os.path.relpath(last(unit, "StateDirectory"), "twinlock"))
    os.makedirs(home, exist_ok=True)
    os.chmod(home, int(last(unit, "StateDirectoryMode", "0755"), 8))
    own(home, user)
    if "LoadCredentialEncrypted" in unit:
        own(credentials, user)
    if "/run/twinlock/admin" in last(unit, "ReadWritePaths"):
        admin = os.path.join(state, "run", "admin")
        os.makedirs(admin, exist_ok=True)
        os.chown(admin, user, user)
    # A checkout that others may not enter is where they may: /usr/lib/twinlock on a real box.
    root = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
    inside = os.path.join(state, "usr")
    os.makedirs(inside, exist_ok=True)
    must(libc.unshare(NEW_MOUNTS))
    must(libc.mount(b"none", b"/", None, RECURSIVE | PRIVATE, None))
    must(libc.mount(root.encode(), inside.encode(), None, BIND | RECURSIVE, None))
    if last(unit, "PrivateNetwork") == "yes":
        must(libc.unshare(NEW_NETWORK))
    core = int(last(unit, "LimitCORE", "-1"))
    resource.setrlimit(resource.RLIMIT_CORE, (core, core))
    os.umask(int(last(unit, "UMask", "0022"), 8))
    if last(unit, "CapabilityBoundingSet", "all") == "":
        with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as most:
            for capability in range(int(most.read()) + 1):
                must(libc.prctl(BOUNDING_SET_DROP, capability, 0, 0, 0))
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if last(unit, "NoNewPrivileges") == "yes":
        must(libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    if last(unit, "MemoryDenyWriteExecute") == "yes":
        must(libc.prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0))
        if not libc.prctl(GET_MDWE, 0, 0, 0, 0) & REFUSE_EXEC_GAIN:
            sys.exit("as-unit: executable memory is not denied")
    os.environ["HOME"] = "/"
    program = [each.replace(root, inside, 1) if each.startswith(root + "/") else each for each in program]
    os.execv(program[0], program)


main()
