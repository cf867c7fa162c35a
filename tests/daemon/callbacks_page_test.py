"""The receiver and every ```sh block of docs/CALLBACKS.md run, in order, against a broker."""
import sys

import examples
import harness

PAGE = "docs/CALLBACKS.md"


class CallbacksPageTest(harness.BrokerTest):
    def test_its_blocks_run(self):
        (receiver,) = examples.blocks(PAGE, "python")
        (self.folder / "receiver.py").write_text(receiver)
        said = examples.run_shell(self.folder, 'export PATH="$PWD/build/release/bin:$PATH"\n' + "\n".join(examples.blocks(PAGE, "sh")))
        self.assertIn("pawl.job.completed monthly done", said)


if __name__ == "__main__":
    sys.exit(harness.main())
