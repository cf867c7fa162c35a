"""Running what a page of the docs shows."""
import os
import pathlib
import re
import socket
import subprocess

import harness

SOURCE = pathlib.Path(os.environ["PAWL_SOURCE"])


def blocks(page, language):
    """The page's blocks in that language, in order."""
    text = (SOURCE / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def shell_lines(page):
    """The lines of all shell blocks, without comments."""
    return [line for block in blocks(page, "sh") for line in block.splitlines() if line.strip() and not line.startswith("#")]


def run_shell(folder, script, timeout=120):
    """Runs the script in a folder that stands for a fresh clone; ends what it left in the background. What it printed."""
    # A clone has its programs where ./dev build leaves them.
    (folder / "build/release").mkdir(parents=True)
    (folder / "build/release/bin").symlink_to(harness.BIN)
    # The examples use the usual port; another broker may have it on this machine.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PAWL_")}
    clean |= {"PAWL_LISTEN": f"127.0.0.1:{port}", "PAWL_URL": f"http://127.0.0.1:{port}"}
    wrapped = f"set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n{script.replace('7711', port)}\n"
    ran = subprocess.run(["bash", "-c", wrapped], cwd=folder, env=clean, capture_output=True, text=True, timeout=timeout)
    if ran.returncode != 0:
        raise AssertionError(f"status {ran.returncode}\n{script}\n--- says ---\n{ran.stdout}\n{ran.stderr}")
    return ran.stdout


def build_cpp(folder, text):
    """Builds a program with libpawl as its users do, with what is installed and pkg-config. Its path."""
    prefix, source, program = folder / "prefix", folder / "example.cpp", folder / "example"
    source.write_text(text)
    build(["cmake", "--install", os.environ["PAWL_BUILD"], "--component", "client", "--prefix", prefix])
    pc = next(prefix.rglob("pawl.pc")).parent
    options = build(["pkg-config", "--cflags", "--libs", "pawl"], PKG_CONFIG_PATH=str(pc)).split()
    flags = os.environ.get("PAWL_EXAMPLE_FLAGS", "").split()
    build([os.environ.get("PAWL_CXX", "g++"), "-std=c++23", "-Wall", "-Wextra", *flags, source, *options, "-o", program])
    return program


def build(command, **environment):
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"{command}\n{done.stdout}\n{done.stderr}")
    return done.stdout
