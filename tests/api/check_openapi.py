"""Compares docs/openapi.yaml with the route table, the problems and the document inside the binary.

    check_openapi.py [--self-test] OPENAPI.YAML API_DUMP

Also checks that every example in the document is valid by its own schema. Prints each difference; exits 1 if there is
one. With --self-test it breaks its inputs on purpose, one at a time, and exits 0 only if each break is found.
"""

import copy
import json
import subprocess
import sys

import jsonschema
import yaml

METHODS = ("get", "put", "post", "delete", "patch", "options", "head", "trace")


class Loader(yaml.SafeLoader):
    """Dates stay text, as in JSON."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def operations(document):
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def body_use(operation, document):
    body = resolve(operation.get("requestBody"), document)
    if body is None:
        return "none"
    return "required" if body.get("required") else "optional"


def takes_query(path, operation, document):
    parameters = document["paths"][path].get("parameters", []) + operation.get("parameters", [])
    return any(resolve(parameter, document)["in"] == "query" for parameter in parameters)


def resolve(node, document):
    while isinstance(node, dict) and "$ref" in node and node["$ref"].startswith("#/"):
        target = document
        for key in node["$ref"][2:].split("/"):
            target = target[key.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def validator(schema, document):
    """A schema of the document, with what it refers to."""
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": document["components"]}
    whole.update(schema)
    return jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())


def examples(document):
    def of_content(where, content):
        for media in content.values():
            if "example" in media:
                yield where, media["schema"], media["example"]
            for name, example in media.get("examples", {}).items():
                yield f"{where}, example {name}", media["schema"], example["value"]

    for method, path, operation in operations(document):
        body = resolve(operation.get("requestBody"), document) or {}
        yield from of_content(f"{method} {path}, request", body.get("content", {}))
        for status, response in operation["responses"].items():
            content = resolve(response, document).get("content", {})
            yield from of_content(f"{method} {path}, {status}", {k: v for k, v in content.items() if "json" in k})


def differences(document, dump):
    documented = {(m, p): (o.get("operationId"), body_use(o, document), takes_query(p, o, document)) for m, p, o in operations(document)}
    served = {(r["method"], r["path"]): (r["operationId"], r["body"], r["query"]) for r in dump["routes"]}
    for key in sorted(set(documented) | set(served)):
        if documented.get(key) != served.get(key):
            yield f"{key[0]} {key[1]}: documented as {documented.get(key)}, served as {served.get(key)}"
    ids = [operation_id for operation_id, _, _ in served.values()]
    for operation_id in sorted({i for i in ids if ids.count(i) > 1}):
        yield f"operationId {operation_id} is used twice"

    listed = set(document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"])
    made = {problem["type"] for problem in dump["problems"]}
    for name in sorted(listed ^ made):
        yield f"problem {name}: {'only in the document' if name in listed else 'not documented'}"

    if dump["embedded"] != document:
        yield "the document inside the binary is another one"

    for reference in sorted(set(references(document))):
        try:
            resolve({"$ref": reference}, document)
        except (KeyError, TypeError):
            yield f"{reference} leads nowhere"
            return
    for name, schema in document["components"]["schemas"].items():
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            yield f"schema {name}: {error.message}"
    for method, path, operation in operations(document):
        parameters = document["paths"][path].get("parameters", []) + operation.get("parameters", [])
        in_path = {p["name"] for p in (resolve(q, document) for q in parameters) if p["in"] == "path"}
        in_braces = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        if in_path != in_braces:
            yield f"{method} {path}: path parameters {sorted(in_path)} are documented"
    for where, schema, example in examples(document):
        for error in validator(schema, document).iter_errors(example):
            yield f"{where}: its example is not valid: {error.message}"


def self_test(document, dump):
    def without_route(d, _):
        del d["paths"]["/jobs/{jobId}/why"]

    def with_route(d, _):
        d["paths"]["/nowhere"] = {"get": {"operationId": "nowhere", "responses": {}}}

    def renamed(d, _):
        d["paths"]["/jobs"]["post"]["operationId"] = "other"

    def with_query(_, served):
        next(route for route in served["routes"] if route["operationId"] == "purgeDeadLetters")["query"] = True

    def without_problem(d, _):
        d["components"]["schemas"]["Problem"]["properties"]["type"]["enum"].remove("urn:pawl:error:lease-lost")

    def with_problem(_, served):
        served["problems"].append({"type": "urn:pawl:error:new", "status": 400})

    def stale_binary(_, served):
        served["embedded"]["info"]["version"] = "0.0.0"

    def bad_example(d, served):
        for document in (d, served["embedded"]):
            content = document["paths"]["/jobs/{jobId}/heartbeat"]["post"]["requestBody"]["content"]
            content["application/json"]["example"]["progress"] = 101

    failed = 0
    for breaking in (without_route, with_route, renamed, with_query, without_problem, with_problem, stale_binary, bad_example):
        broken, served = copy.deepcopy(document), copy.deepcopy(dump)
        breaking(broken, served)
        found = list(differences(broken, served))
        print(f"{breaking.__name__}: {found[0] if found else 'NOT FOUND'}")
        failed += not found
    return failed


def main():
    arguments = [a for a in sys.argv[1:] if a != "--self-test"]
    with open(arguments[0], encoding="utf-8") as source:
        document = yaml.load(source, Loader)
    dump = json.loads(subprocess.run([arguments[1]], check=True, capture_output=True).stdout)
    if "--self-test" in sys.argv:
        sys.exit(1 if self_test(document, dump) else 0)
    found = list(differences(document, dump))
    for line in found:
        print(line)
    print(f"{len(dump['routes'])} routes, {len(dump['problems'])} problems, "
          f"{sum(1 for _ in examples(document))} examples compared, {len(found)} differences")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
