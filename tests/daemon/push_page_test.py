"""The receiver and every ```sh block of docs/PUSH.md run, in order, against a broker."""
import sys

import examples
import harness

PAGE = "docs/PUSH.md"


class PushPageTest(harness.BrokerTest):
    def test_its_blocks_run(self):
        (receiver,) = examples.blocks(PAGE, "python")
        (self.folder / "receiver.py").write_text(receiver)
        start, *rest = examples.blocks(PAGE, "sh")
        said = examples.run_shell(self.folder, 'export PATH="$PWD/build/release/bin:$PATH"\n' + start + "\n".join(rest))
        self.assertIn("verified", said)
        self.assertIn("completed", said)


if __name__ == "__main__":
    sys.exit(harness.main())
