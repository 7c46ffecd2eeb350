"""The served OpenAPI document: sound by the schema of OpenAPI 3.1, and the one in docs/.

Call: document.py URL WRONG. Writes to WRONG a copy that promises a key nobody answers.
"""

import copy
import json
import sys
import urllib.request

import jsonschema
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR


def schemas(place):
    """Every schema in the document: components, and what parameters, bodies and answers hold."""
    if isinstance(place, dict):
        for key, value in place.items():
            if key == "schema":
                yield value
            elif key == "schemas":
                yield from value.values()
            else:
                yield from schemas(value)
    elif isinstance(place, list):
        for value in place:
            yield from schemas(value)


def faults(document):
    found = [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(document)]
    for schema in schemas(document):
        errors = jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA).iter_errors(schema)
        found += [error.message for error in errors]
    names = set()
    for item in document["paths"].values():
        for operation in item.values():
            names.add(operation["operationId"])
            for status, response in operation["responses"].items():
                reference = response.get("$ref", "").removeprefix("#/components/responses/")
                if reference and reference not in document["components"]["responses"]:
                    found.append(f"{operation['operationId']} {status}: no {reference}")
    if len(names) != sum(len(item) for item in document["paths"].values()):
        found.append("two operations have one name")
    return found


def main():
    url, wrong_file = sys.argv[1:]
    with urllib.request.urlopen(url, timeout=30) as answer:
        document = json.load(answer)
    with open("docs/openapi.json", encoding="utf-8") as kept:
        assert document == json.load(kept), "docs/openapi.json is not what is served"
    assert faults(document) == [], faults(document)

    # What the rules above must find out.
    for row, spoil in [
        ("no title", lambda one: one["info"].pop("title")),
        ("a parameter nowhere", lambda one: one["paths"]["/api/v1/rollouts/{plan}"]["get"]["parameters"][0].pop("in")),
        ("a type of nobody", lambda one: one["components"]["schemas"]["Problem"]["properties"]["title"].update(type="text")),
        ("a name twice", lambda one: one["paths"]["/api/v1"]["get"].update(operationId="stop")),
    ]:
        spoilt = copy.deepcopy(document)
        spoil(spoilt)
        assert faults(spoilt), row

    answer = document["components"]["schemas"]["RolloutsAnswer"]
    answer["properties"]["promised"] = {"type": "string"}
    answer["required"].append("promised")
    with open(wrong_file, "w", encoding="utf-8") as wrong:
        json.dump(document, wrong)


main()
