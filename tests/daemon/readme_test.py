"""Every ```sh block of README.md runs, in order, in one folder that stands for a fresh clone.

The blocks are joined into one bash script with `set -e`. Lines that call `./dev` are left out: they are the build and the
test that this is part of, and the demo, which is a test of its own; the deeds that they name must exist.
"""
import re
import subprocess
import sys

import examples
import harness

PAGE = "README.md"


class ReadmeTest(harness.BrokerTest):
    def test_every_deed_that_it_names_exists(self):
        help_text = subprocess.run([examples.SOURCE / "dev", "help"], capture_output=True, text=True, check=True).stdout
        named = {deed for block in examples.blocks(PAGE, "sh") for deed in re.findall(r"\./dev (\w[\w-]*)", block)}
        self.assertIn("demo", named)
        self.assertIn("test", named)
        for deed in named:
            self.assertIn(f"./dev {deed}", help_text)

    def test_its_shell_blocks_run(self):
        self.assertGreaterEqual(len(examples.blocks(PAGE, "sh")), 2)
        script = "\n".join(line for line in examples.shell_lines(PAGE) if not line.startswith("./dev "))
        self.assertIn("curl", script)
        self.assertIn("pawl ", script)
        self.assertIn("completed", examples.run_shell(self.folder, script))

    def test_its_cpp_blocks_compile(self):
        headers = examples.SOURCE / "client/include"
        for number, block in enumerate(examples.blocks(PAGE, "cpp")):
            file = self.folder / f"block{number}.cpp"
            file.write_text(block)
            done = subprocess.run(["g++", "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-I", headers, file],
                                  capture_output=True, text=True, timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(examples.blocks(PAGE, "cpp"))


if __name__ == "__main__":
    sys.exit(harness.main())
