"""Every operation of docs/openapi.yaml is called on the real broker, and every answer validated against it."""
import os
import pathlib
import subprocess
import sys

import harness

VALIDATE = pathlib.Path(os.environ["PAWL_SOURCE"]) / "tests/api/validate_live.py"


class OpenApiTest(harness.BrokerTest):
    def validate(self, broker, *more):
        done = subprocess.run(["/usr/bin/python3", str(VALIDATE), broker.url, *more], capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_live_answers_fit_the_document(self):
        self.validate(self.broker())

    def test_they_fit_with_a_token_too(self):
        token = "a-token-for-this-test-0123456789"
        self.validate(self.broker(token=token), "--token", token)


if __name__ == "__main__":
    sys.exit(harness.main())
