"""Holds exports against docs/export.schema.json: validate.py SCHEMA json|ndjson FILE.

Stricter than the schema: a field that it does not describe fails too, since the schema must describe all we write.
"""

import json
import sys

from jsonschema import Draft202012Validator

TYPES = {"trace": "trace", "thread": "thread", "call": "call", "offcpu": "offcpu", "life": "life",
         "gap": "gap", "open": "open", "descriptor": "descriptor", "ready": "ready",
         "request": "request", "turn": "turn", "finding": "finding"}


def close(node):
    if isinstance(node, dict):
        if "properties" in node:
            node["additionalProperties"] = False
        for value in node.values():
            close(value)


schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
close(schema)
counts = {}
with open(sys.argv[3], encoding="utf-8") as file:
    if sys.argv[2] == "json":
        data = json.load(file)
        Draft202012Validator(schema).validate(data)
        counts = {key: len(value) for key, value in data.items() if isinstance(value, list)}
    else:
        validators = {word: Draft202012Validator({"$defs": schema["$defs"], "$ref": f"#/$defs/{name}"})
                      for word, name in TYPES.items()}
        for at, line in enumerate(file):
            data = json.loads(line)
            word = data.pop("type")
            if at == 0:
                assert (word, data.pop("format"), data.pop("version")) == ("trace", "waitscope", 2)
            validators[word].validate(data)
            counts[word] = counts.get(word, 0) + 1
print(json.dumps(counts))
