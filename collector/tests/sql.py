"""Runs the blocks of SQL that docs/sql.md has for DuckDB, and prints what each says, as JSON: sql.py DOCUMENT.

In the directory that holds `lake`. A block that begins with a comment is known by it.
"""

import json
import re
import sys

import duckdb

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
_, rest = text.split("\n## DuckDB\n")
section = rest.split("\n## ")[0]
found = {}
db = duckdb.connect()
for block in re.findall(r"```sql\n(.*?)```", section, re.DOTALL):
    name = re.match(r"-- (.*)\n", block)
    result = db.execute(block)
    if name:
        columns = [column[0] for column in result.description]
        rows = [dict(zip(columns, row)) for row in result.fetchall()]
        assert name[1] not in found
        found[name[1]] = rows
print(json.dumps(found, default=str))
