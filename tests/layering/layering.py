"""Reads every #include of a tree and fails on an arrow that docs/ARCHITECTURE.md does not list.

    layering.py [ROOT]        prints each crossing as file:line: and exits 1 if there is one

The list is the block that begins with ```layers in ROOT/docs/ARCHITECTURE.md: a folder or file, what it may include
beside itself, and which libraries. A file belongs to the longest entry that is a prefix of its path. The word `pure`
among the libraries means: of the standard library only what neither reads a clock nor starts a thread nor does I/O.
"""
import pathlib
import re
import sys

FOLDERS = ["broker", "client", "storage"]
OWN = {*FOLDERS, "tests", "pawl"}
SOURCES = {".h", ".hpp", ".cpp", ".cc"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# Headers without a folder that belong to a library; the others name theirs before the first slash.
LIBRARY_OF = {"simdjson.h": "simdjson", "zlib.h": "zlib", "xxhash.h": "xxhash", "toml.hpp": "toml++"}
SYSTEM_FOLDERS = {"sys", "linux", "netinet", "arpa", "net", "asm"}

IMPURE_HEADERS = {
    "atomic", "barrier", "chrono", "condition_variable", "coroutine", "cstdio", "ctime", "execution", "filesystem",
    "fstream", "future", "iostream", "latch", "mutex", "print", "random", "semaphore", "shared_mutex", "stop_token",
    "syncstream", "thread",
}
# What would bring a clock, a thread or chance in through another header.
IMPURE_WORDS = re.compile(
    r"\b(std::chrono|std::this_thread|std::(j?thread|mutex|atomic|random_device)\b|clock_gettime|gettimeofday|getrandom|"
    r"(?<![\w.>:])(?:std::)?(?:rand|time|clock)\s*\()")


class Layer:
    def __init__(self, path, may, libraries):
        self.path, self.may = path, may
        self.pure = "pure" in libraries
        self.libraries = libraries - {"pure"}


def read_layers(root):
    text = (root / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```layers\n(.*?)^```", text, re.M | re.S)
    if len(blocks) != 1:
        raise SystemExit("layering: docs/ARCHITECTURE.md needs one ```layers block")
    layers = {}
    for line in blocks[0].splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        columns = [column.strip() for column in line.split("|")]
        if len(columns) != 3:
            raise SystemExit(f"layering: three columns are needed: {line}")
        path, may, libraries = columns
        layers[path] = Layer(path, set(may.split()) - {"-"}, set(libraries.split()) - {"-"})
    return layers


def layer_of(path, layers):
    best = None
    for prefix in layers:
        if path == prefix or path.startswith(prefix + "/"):
            if best is None or len(prefix) > len(best):
                best = prefix
    return layers.get(best)


def library_of(header):
    """The library that a header in angle brackets is of; None for the standard library and the system."""
    if header in LIBRARY_OF:
        return LIBRARY_OF[header]
    folder = header.split("/")[0] if "/" in header else None
    return None if folder is None or folder in SYSTEM_FOLDERS else folder


def resolve(root, file, header):
    """The path in the tree of what a quoted include names, or None."""
    for base in (root, file.parent, root / "client/include"):
        found = (base / header).resolve()
        if found.is_file() and found.is_relative_to(root):
            return found.relative_to(root).as_posix()
    return None


def without_comments(line):
    return line.split("//")[0]


def check_file(root, file, layers):
    path = file.relative_to(root).as_posix()
    layer = layer_of(path, layers)
    if layer is None:
        return [f"{path}:1: this file is in no layer of docs/ARCHITECTURE.md"]
    problems = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path}:{number}:"
        match = INCLUDE.match(line)
        if not match:
            if layer.pure and IMPURE_WORDS.search(without_comments(line)):
                problems.append(f"{where} {layer.path} is pure: no clock, thread or chance: {line.strip()}")
            continue
        quote, header = match.groups()
        target = resolve(root, file, header) if quote == '"' or header.startswith("pawl/") else None
        if target is not None:
            problems += check_arrow(where, layer, target, layers)
        elif header.split("/")[0] in OWN or (quote == '"' and "/" not in header):
            problems.append(f"{where} nothing in the tree is named {header}")
        else:
            problems += check_library(where, layer, header)
    return problems


def check_arrow(where, layer, target, layers):
    to = layer_of(target, layers)
    allowed = any(target == may or target.startswith(may + "/") for may in layer.may)
    if allowed or (to is not None and to.path == layer.path):
        return []
    return [f"{where} {layer.path} may not include {target}"]


def check_library(where, layer, header):
    library = library_of(header)
    if library is not None and library not in layer.libraries:
        return [f"{where} {layer.path} may not use the library {library} ({header})"]
    if layer.pure and library is None and (header in IMPURE_HEADERS or header.endswith(".h")):
        return [f"{where} {layer.path} is pure and may not include <{header}>"]
    return []


def check(root):
    root = pathlib.Path(root).resolve()
    layers = read_layers(root)
    problems, files = [], 0
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in SOURCES and file.is_file():
                files += 1
                problems += check_file(root, file, layers)
    return problems, files


def main():
    problems, files = check(sys.argv[1] if len(sys.argv) > 1 else ".")
    for problem in problems:
        print(problem)
    print(f"layering: {files} files, {len(problems)} crossings")
    return 1 if problems or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
