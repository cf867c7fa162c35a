"""The layering check turns red when an include crosses a layer: shown on small trees made here."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import layering  # noqa: E402

LAYERS = """
```layers
# from          | may include             | libraries
broker/core     | -                       | pure
broker/engine   | broker/core storage/store.h | fmt
broker/http     | broker/engine broker/core   | boost
storage         | -                       | -
storage/rocksdb | storage/store.h         | rocksdb
client          | -                       | nlohmann
```
"""


class LayeringTest(unittest.TestCase):
    def problems(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            every = {"docs/ARCHITECTURE.md": LAYERS, "broker/core/a.h": "", "broker/engine/e.h": "", "broker/http/h.h": "",
                     "storage/store.h": "", "storage/rocksdb/r.h": "", "client/c.h": ""}
            every.update(files)
            for path, text in every.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            return layering.check(root)[0]

    def test_a_listed_arrow_passes(self):
        self.assertEqual(self.problems({
            "broker/core/b.cpp": '#include <vector>\n#include "broker/core/a.h"\n// waits for a mutex: std::mutex\n',
            "broker/engine/e.cpp": '#include <fmt/format.h>\n#include <mutex>\n#include "broker/core/a.h"\n'
                                   '#include "storage/store.h"\n',
            "broker/http/h.cpp": '#include <boost/asio.hpp>\n#include "broker/engine/e.h"\n#include "h.h"\n',
            "storage/rocksdb/r.cpp": '#include <rocksdb/db.h>\n#include <sys/file.h>\n#include "storage/store.h"\n',
        }), [])

    def test_each_forbidden_include_is_named(self):
        ledger = [
            ("broker/core/b.cpp", '#include "broker/engine/e.h"', "may not include broker/engine/e.h"),
            ("broker/core/b.cpp", '#include "storage/store.h"', "may not include storage/store.h"),
            ("broker/core/b.cpp", "#include <chrono>", "is pure"),
            ("broker/core/b.cpp", "#include <mutex>", "is pure"),
            ("broker/core/b.cpp", "#include <thread>", "is pure"),
            ("broker/core/b.cpp", "#include <time.h>", "is pure"),
            ("broker/core/b.cpp", "#include <boost/asio.hpp>", "library boost"),
            ("broker/core/b.cpp", "#include <rocksdb/db.h>", "library rocksdb"),
            ("broker/core/b.cpp", "#include <nlohmann/json.hpp>", "library nlohmann"),
            ("broker/core/b.cpp", "auto t = std::chrono::steady_clock::now();", "no clock"),
            ("broker/core/b.cpp", "auto t = time(nullptr);", "no clock"),
            ("broker/engine/x.cpp", '#include "broker/http/h.h"', "may not include broker/http/h.h"),
            ("broker/engine/x.cpp", '#include "storage/rocksdb/r.h"', "may not include storage/rocksdb/r.h"),
            ("broker/engine/x.cpp", "#include <rocksdb/db.h>", "library rocksdb"),
            ("storage/x.cpp", '#include "broker/core/a.h"', "may not include broker/core/a.h"),
            ("client/x.cpp", '#include "broker/core/a.h"', "may not include broker/core/a.h"),
            ("client/x.cpp", '#include "../broker/core/a.h"', "may not include broker/core/a.h"),
            ("broker/http/x.cpp", '#include "broker/no/such.h"', "nothing in the tree"),
            ("broker/http/x.cpp", '#include "such.h"', "nothing in the tree"),
            ("broker/http/x.cpp", '#include "rocksdb/db.h"', "library rocksdb"),
            ("broker/new/x.cpp", "", "in no layer"),
        ]
        for path, line, expected in ledger:
            with self.subTest(line=line):
                found = self.problems({path: f"\n{line}\n"})
                self.assertEqual(len(found), 1, found)
                self.assertIn(expected, found[0])
                if line:
                    self.assertTrue(found[0].startswith(f"{path}:2:"), found[0])

    def test_a_tree_without_the_list_is_refused(self):
        with self.assertRaises(SystemExit):
            self.problems({"docs/ARCHITECTURE.md": "no list here"})


if __name__ == "__main__":
    unittest.main()
