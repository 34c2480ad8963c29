"""Sets the course up from this folder, without a network, and opens it. START-HERE.html says how.

A Python that is too old must still be able to run this file to say so: no newer syntax here.
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
LONGEST_PATH = 259  # on Windows, unless long paths are enabled
OWN_FOLDERS = {  # so that it writes to no other folder and reads no settings from one
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "MPLCONFIGDIR": "matplotlib",
}
IGNORED_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "KMSLAB_WORKBOOK")
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)  # even if .venv's Python runs this
HINTS = (  # a part of pip's error text, and what helps
    ("DO NOT MATCH THE HASHES", "A file of this folder is damaged. Copy and unpack the zip again."),
    ("No matching distribution", "A package does not fit this computer. Ask for another zip."),
    ("No space left", "The disk is full."),
)
BITS = struct.calcsize("P") * 8


class SetupError(Exception):
    """The course cannot be set up or started; the text says what is wrong and what helps."""


def facts():
    """The kind of computer that this zip was made for."""
    try:
        with open(os.path.join(HERE, "made-for.json")) as file:
            made_for = json.load(file)
        if len(os.listdir(WHEELS)) < made_for["wheels"]:
            raise IOError
    except (IOError, OSError):
        raise SetupError(
            "Some of the course is not here. Unpack the whole zip into a folder first."
        )
    return made_for


def check_python(made_for):
    running = "%d.%d" % sys.version_info[:2]
    pythons = made_for["pythons"]
    if running in pythons and platform.python_implementation() == "CPython" and BITS == 64:
        return
    newest = pythons[-1]
    command = ("py -%s start.py" if WINDOWS else "python%s start.py") % newest
    raise SetupError(
        "This zip is for Python %s (64 bits); this is %s %s (%d bits).\n"
        "If you have one of those, start with it, for example: %s"
        % (
            ", ".join(pythons),
            platform.python_implementation(),
            platform.python_version(),
            BITS,
            command,
        )
    )


def check_platform(made_for):
    machine = platform.machine().lower()
    if sys.platform.startswith(made_for["system"]) and machine in made_for["machines"]:
        return
    raise SetupError(
        "This zip is for %s; this computer is %s on %s. Ask for the zip that was made for it."
        % (made_for["name"], platform.system(), platform.machine())
    )


def check_folder(made_for):
    longest = len(VENV) + made_for["longest_path"]
    if WINDOWS and longest > LONGEST_PATH and not long_paths_allowed():
        raise SetupError(
            "The name of this folder is too long for Windows. Move it to C:\\kmslab:\n%s" % HERE
        )
    try:
        open(LOG, "a").close()
    except (IOError, OSError):
        raise SetupError(
            "Nothing may be written here. Copy this folder to your own disk:\n%s" % HERE
        )


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
        raise SetupError(
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
    """Make .venv and install every wheel, comparing hashes. False if that was done before."""
    state = {"kmslab": made_for["kmslab"], "python": [BASE_PYTHON, sys.version], "folder": HERE}
    if is_set_up(state):
        return False
    check_room(made_for)
    open(LOG, "w").close()
    sys.stdout.write("Setting the course up in this folder. This happens once, in about a minute ")
    sys.stdout.flush()
    pip = os.path.join(WHEELS, made_for["pip"], "pip")
    install = ["--isolated", "install", "--no-index", "--find-links", WHEELS, "--require-hashes"]
    run([BASE_PYTHON, "-m", "venv", "--clear", "--without-pip", VENV])
    run([PYTHON, pip] + install + ["-r", os.path.join(HERE, "wheels.lock")])
    run([PYTHON, "-c", "import matplotlib.font_manager"])  # finds the fonts now, not in a lesson
    with open(os.path.join(VENV, "set-up.json"), "w") as file:
        json.dump(state, file)
    print(" done.")
    return True


def run(command):
    """Run the command and print a dot every two seconds, to show that it still runs."""
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
            output = log.read().decode("utf-8", "replace").strip()
        hints = [hint for words, hint in HINTS if words in output]
        text = "\n".join(hints[:1] or output.splitlines()[-4:])
        raise SetupError("\nThat did not work.\n%s\nAll of it is in %s" % (text, LOG))


def kmslab(*arguments):
    """Run the command until it ends. Ctrl+C is for that program, so it is ignored here."""
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
        raise SetupError("The course may not work here: see [FAIL] above. To try: start.py lab")
    return kmslab("lab")


def show_error(text):
    sys.stderr.write(text + "\n")
    if WINDOWS and sys.stdin.isatty() and len(sys.argv) == 1:
        os.system("pause")  # a window opened by a double click would close before one can read it


if __name__ == "__main__":
    for name in IGNORED_VARIABLES:
        os.environ.pop(name, None)
    for name in OWN_FOLDERS:
        os.environ[name] = os.path.join(HERE, ".jupyter", OWN_FOLDERS[name])
    for stream in (sys.stdout, sys.stderr):
        if hasattr(
            stream, "reconfigure"
        ):  # a terminal may not be able to print every character of a path
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(main(sys.argv[1:]))
    except SetupError as error:
        show_error(str(error))
    except KeyboardInterrupt:
        show_error("\nStopped. The next start begins anew.")
    sys.exit(1)
