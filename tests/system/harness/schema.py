"""Holds JSON against a schema: as much of JSON Schema as docs/ has need of, and strictly: a member
that the schema does not name is a fault here."""

import functools
import json
import os
import re

from . import process

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
KNOWN = {"$schema", "title", "description", "type", "required", "properties", "items", "enum",
         "minimum", "format", "propertyNames", "additionalProperties"}


@functools.lru_cache(maxsize=None)
def of_docs(name):
    """A schema of docs/."""
    with open(os.path.join(process.SOURCE, "docs", name), encoding="utf-8") as file:
        return json.load(file)


def faults(schema, value, where="$"):
    """What of the value is not as the schema says: a list of texts."""
    assert set(schema) <= KNOWN, f"the test does not know {set(schema) - KNOWN}"
    kind = schema["type"]
    if not isinstance(value, TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
        return [f"{where}: {value!r} is no {kind}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    if "minimum" in schema and value < schema["minimum"]:
        found.append(f"{where}: {value} is less than {schema['minimum']}")
    if schema.get("format") == "date-time" and not TIME.fullmatch(value):
        found.append(f"{where}: {value!r} is no time")
    if kind == "array":
        for i, item in enumerate(value):
            found += faults(schema["items"], item, f"{where}[{i}]")
    if kind == "object":
        found += _members(schema, value, where)
    return found


def _members(schema, value, where):
    found = [f"{where}.{name} is missing" for name in schema.get("required", ())
             if name not in value]
    for name, member in value.items():
        of_name = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        if of_name is None or name not in schema.get("propertyNames", {}).get("enum", (name,)):
            found.append(f"{where}.{name} is not in the schema")
        else:
            found += faults(of_name, member, f"{where}.{name}")
    return found
