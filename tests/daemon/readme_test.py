"""Every ```sh block of README.md runs, in order, in one folder that stands for a fresh clone.

The blocks are joined into one bash script with `set -e`. Lines that call `./dev` are left out: they are the build and the
test that this is part of, and the demo, which is a test of its own; the deeds that they name must exist.
"""
import os
import pathlib
import re
import socket
import subprocess
import sys

import harness

SOURCE = pathlib.Path(os.environ["PAWL_SOURCE"])


def blocks(language):
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


class ReadmeTest(harness.BrokerTest):
    def test_every_deed_that_it_names_exists(self):
        help_text = subprocess.run([SOURCE / "dev", "help"], capture_output=True, text=True, check=True).stdout
        named = {deed for block in blocks("sh") for deed in re.findall(r"\./dev (\w[\w-]*)", block)}
        self.assertIn("demo", named)
        self.assertIn("test", named)
        for deed in named:
            self.assertIn(f"./dev {deed}", help_text)

    def test_its_shell_blocks_run(self):
        shell = blocks("sh")
        self.assertGreaterEqual(len(shell), 2)
        lines = [line for block in shell for line in block.splitlines() if line.strip() and not line.startswith("#")]
        script = "\n".join(line for line in lines if not line.startswith("./dev "))
        self.assertIn("curl", script)
        self.assertIn("pawl ", script)
        # A clone has its programs where ./dev build leaves them.
        (self.folder / "build/release").mkdir(parents=True)
        (self.folder / "build/release/bin").symlink_to(harness.BIN)
        # The examples use the usual port; another broker may have it on this machine.
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PAWL_")}
        clean |= {"PAWL_LISTEN": f"127.0.0.1:{port}", "PAWL_URL": f"http://127.0.0.1:{port}"}
        wrapped = f"set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n{script.replace('7711', port)}\n"
        ran = subprocess.run(["bash", "-c", wrapped], cwd=self.folder, env=clean, capture_output=True, text=True, timeout=120)
        self.assertEqual(ran.returncode, 0, f"{script}\n--- says ---\n{ran.stdout}\n{ran.stderr}")
        self.assertIn("completed", ran.stdout)

    def test_its_cpp_blocks_compile(self):
        for number, block in enumerate(blocks("cpp")):
            file = self.folder / f"block{number}.cpp"
            file.write_text(block)
            done = subprocess.run(["g++", "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-I", SOURCE / "client/include", file],
                                  capture_output=True, text=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(blocks("cpp"))


if __name__ == "__main__":
    sys.exit(harness.main())
