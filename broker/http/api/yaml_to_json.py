"""Turns a YAML file into compact JSON: yaml_to_json.py IN OUT"""

import json
import sys

import yaml


class Loader(yaml.SafeLoader):
    """Dates stay text, as in JSON."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def main():
    with open(sys.argv[1], encoding="utf-8") as source:
        document = yaml.load(source, Loader)
    with open(sys.argv[2], "w", encoding="utf-8") as target:
        json.dump(document, target, ensure_ascii=False, separators=(",", ":"))
        target.write("\n")


if __name__ == "__main__":
    main()
