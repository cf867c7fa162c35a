"""The demo on a small folder: good documents, compressed ones, and some that are none."""
import gzip
import os
import subprocess
import sys

import harness


class DemoTest(harness.BrokerTest):
    def test_it_works_through_a_folder_and_accounts_for_every_job(self):
        documents = self.folder / "documents"
        (documents / "deep").mkdir(parents=True)
        for number in range(60):
            text = f"Document {number}. " + "A pawl lets a ratchet turn forward and never slip back. " * (number + 1)
            (documents / f"text-{number}.txt").write_text(text)
        for number in range(10):
            with gzip.open(documents / "deep" / f"packed-{number}.gz", "wt") as packed:
                packed.write("Größe und Maß, gepackt. " * 200)
        (documents / "image.bin").write_bytes(bytes(range(256)) * 40)
        (documents / "latin1.txt").write_bytes("größer\n".encode("latin-1") * 100)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PAWL_")}
        done = subprocess.run([str(harness.BIN / "pawl-demo"), str(documents)], cwd=self.folder, env=clean, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout)
        for word in ("submitted", "completed", "retried", "stalled", "dead", "72"):
            self.assertIn(word, done.stdout)


if __name__ == "__main__":
    sys.exit(harness.main())
