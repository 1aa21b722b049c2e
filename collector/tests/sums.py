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
    if kind == "call":
        # What the phases say is not there a second time.
        ends = [row["end_ns"] if row["end_ns"] is not None else
                row["start_ns"] + sum(row[f"{phase}_ns"] for phase in ("kernel", "blocked", "runnable", "copying"))
                for row in rows.to_pylist()]
        copies = [row["copy_start_ns"] if row["copy_start_ns"] is not None else end - row["copying_ns"]
                  for row, end in zip(rows.to_pylist(), ends) if row["copying"] != "none"]
        kinds[kind] |= {"end_ns": str(sum(ends)), "copy_start_ns": str(sum(copies))}
    # A row for all descriptors of a readiness call: they are what is counted.
    entries = [entry for found in rows["descriptors"].to_pylist() if found is not None for entry in found]
    if kind == "ready":
        kinds[kind] |= {"rows": len(entries), "descriptors_null": rows["descriptors"].null_count}
        for name in entries[0]:
            kinds[kind][name] = str(sum(entry[name] or 0 for entry in entries))
calls = table["call"].to_pylist()
print(json.dumps({
    "kinds": kinds,
    "metadata": {key.decode(): value.decode() for key, value in table.schema.metadata.items()},
    "calls": {name: calls.count(name) for name in sorted({name for name in calls if name})},
    "names": sorted({name for name in table["name"].to_pylist() if name is not None}),
    "columns": [[field.name, str(field.type)] for field in table.schema],
}))
