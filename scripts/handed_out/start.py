"""Set the course up from this folder, without a network, and open it. START-HERE.html says how.

A Python that is too old must still be able to read this file, to say so: no newer syntax here.
"""

import json
import os
import platform
import struct
import subprocess
import sys
import time

WINDOWS = os.name == "nt"
HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
LOG = os.path.join(HERE, "setup.log")
WHEELS = os.path.join(HERE, "wheels")
PYTHON = os.path.join(VENV, *(("Scripts", "python.exe") if WINDOWS else ("bin", "python")))
LONGEST_PATH = 259  # Windows, unless it was told otherwise
ITS_OWN = {  # so that nothing of it lies elsewhere, and nothing that lies elsewhere disturbs it
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "MPLCONFIGDIR": "matplotlib",
}
OTHERS = ("PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "KMSLAB_WORKBOOK")
MINE = getattr(sys, "_base_executable", sys.executable)  # also if .venv's own Python runs this
HINTS = (  # what pip says, and what helps
    ("DO NOT MATCH THE HASHES", "A file of this folder is damaged. Copy and unpack the zip again."),
    ("No matching distribution", "A package does not fit this computer. Ask for another zip."),
    ("No space left", "The disk is full."),
)
BITS = struct.calcsize("P") * 8


class Trouble(Exception):
    """What is wrong, and what helps."""


def facts():
    """What this zip was made for."""
    try:
        with open(os.path.join(HERE, "made-for.json")) as file:
            made_for = json.load(file)
        if len(os.listdir(WHEELS)) < made_for["wheels"]:
            raise IOError
    except (IOError, OSError):
        raise Trouble("Some of the course is not here. Unpack the whole zip into a folder first.")
    return made_for


def check_python(made_for):
    mine = "%d.%d" % sys.version_info[:2]
    ours = made_for["pythons"]
    if mine in ours and platform.python_implementation() == "CPython" and BITS == 64:
        return
    newest = ours[-1]
    again = ("py -%s start.py" if WINDOWS else "python%s start.py") % newest
    raise Trouble(
        "This zip is for Python %s (64 bits); this is %s %s (%d bits).\n"
        "If you have one of those, start with it, for example: %s"
        % (
            ", ".join(ours),
            platform.python_implementation(),
            platform.python_version(),
            BITS,
            again,
        )
    )


def check_platform(made_for):
    machine = platform.machine().lower()
    if sys.platform.startswith(made_for["system"]) and machine in made_for["machines"]:
        return
    raise Trouble(
        "This zip is for %s; this computer is %s on %s. Ask for the zip that was made for it."
        % (made_for["name"], platform.system(), platform.machine())
    )


def check_folder(made_for):
    longest = len(VENV) + made_for["longest_path"]
    if WINDOWS and longest > LONGEST_PATH and not long_paths_allowed():
        raise Trouble(
            "The name of this folder is too long for Windows. Move it to C:\\kmslab:\n%s" % HERE
        )
    try:
        open(LOG, "a").close()
    except (IOError, OSError):
        raise Trouble("Nothing may be written here. Copy this folder to your own disk:\n%s" % HERE)


def long_paths_allowed():
    try:
        import winreg

        path = "SYSTEM\\CurrentControlSet\\Control\\FileSystem"
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except (ImportError, OSError):
        return False


def check_room(made_for):
    import shutil

    free = shutil.disk_usage(HERE).free // 10**6
    if free < made_for["megabytes"]:
        raise Trouble(
            "The course needs %d MB on this disk, and %d MB are free."
            % (made_for["megabytes"], free)
        )


def is_set_up(state):
    try:
        with open(os.path.join(VENV, "set-up.json")) as file:
            return json.load(file) == state
    except (IOError, OSError, ValueError):
        return False


def set_up(made_for):
    """Make .venv and install every wheel; each is compared with its hash."""
    state = {"kmslab": made_for["kmslab"], "python": [MINE, sys.version], "folder": HERE}
    if is_set_up(state):
        return False
    check_room(made_for)
    open(LOG, "w").close()
    sys.stdout.write("Setting the course up in this folder. This happens once, in about a minute ")
    sys.stdout.flush()
    pip = os.path.join(WHEELS, made_for["pip"], "pip")
    install = ["--isolated", "install", "--no-index", "--find-links", WHEELS, "--require-hashes"]
    run([MINE, "-m", "venv", "--clear", "--without-pip", VENV])
    run([PYTHON, pip] + install + ["-r", os.path.join(HERE, "wheels.lock")])
    run([PYTHON, "-c", "import matplotlib.font_manager"])  # finds the fonts now, not in a lesson
    with open(os.path.join(VENV, "set-up.json"), "w") as file:
        json.dump(state, file)
    print(" done.")
    return True


def run(command):
    """With a dot every two seconds, so that nobody thinks it has stopped."""
    with open(LOG, "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=HERE)
    started = time.time()
    while process.poll() is None:
        time.sleep(0.1)
        if time.time() - started > 2:
            started = time.time()
            sys.stdout.write(".")
            sys.stdout.flush()
    if process.returncode:
        with open(LOG, "rb") as log:
            said = log.read().decode("utf-8", "replace").strip()
        hints = [hint for words, hint in HINTS if words in said]
        words = "\n".join(hints[:1] or said.splitlines()[-4:])
        raise Trouble("\nThat did not work.\n%s\nAll of it is in %s" % (words, LOG))


def kmslab(*arguments):
    """Run the command until it ends; Ctrl+C is for it, not for us."""
    process = subprocess.Popen([PYTHON, "-m", "kmslab"] + list(arguments), cwd=HERE)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            pass


def main(arguments):
    made_for = facts()
    check_platform(made_for)
    check_python(made_for)
    check_folder(made_for)
    is_new = set_up(made_for)
    if arguments:
        return kmslab(*arguments)
    if is_new and kmslab("doctor"):
        raise Trouble("The course may not work here: see [FAIL] above. To try: start.py lab")
    return kmslab("lab")


def tell(words):
    sys.stderr.write(words + "\n")
    if WINDOWS and sys.stdin.isatty() and len(sys.argv) == 1:
        os.system("pause")  # a window that a double click opened would close unread


if __name__ == "__main__":
    for name in OTHERS:
        os.environ.pop(name, None)
    for name in ITS_OWN:
        os.environ[name] = os.path.join(HERE, ".jupyter", ITS_OWN[name])
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not every terminal has every letter of a folder
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(main(sys.argv[1:]))
    except Trouble as trouble:
        tell(str(trouble))
    except KeyboardInterrupt:
        tell("\nStopped. The next start begins anew.")
    sys.exit(1)
