"""Prints what pyarrow reads in a recording, as JSON: rows and sums by kind, and the header."""

import json
import sys

import pyarrow as pa
import pyarrow.compute as pc

with pa.memory_map(sys.argv[1]) as file, pa.ipc.open_stream(file) as reader:
    table = reader.read_all()
table.validate(full=True)


def total(name, rows):
    # Sums may pass 64 bits: Python's own numbers don't.
    return sum(value for value in rows[name].to_pylist() if value is not None)


kinds = {}
for kind in sorted(set(table["kind"].to_pylist())):
    rows = table.filter(pc.equal(table["kind"], kind))
    kinds[kind] = {"rows": rows.num_rows}
    for field in table.schema:
        if pa.types.is_integer(field.type):
            kinds[kind][field.name] = str(total(field.name, rows))
calls = table["call"].to_pylist()
print(json.dumps({
    "kinds": kinds,
    "metadata": {key.decode(): value.decode() for key, value in table.schema.metadata.items()},
    "calls": {name: calls.count(name) for name in sorted({name for name in calls if name})},
    "names": sorted({name for name in table["name"].to_pylist() if name is not None}),
    "columns": [[field.name, str(field.type)] for field in table.schema],
}))
