"""Prints what DuckDB and pyarrow read of exported calls, as JSON: tables.py FILE…, each .parquet or .csv, a recording
(.arrows), or a directory.

Both must read the same. Sums are Python's own numbers, which have no limit.
"""

import json
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


def read(path):
    if path.endswith(".arrows"):
        duckdb.register("recording", pa.ipc.open_stream(path).read_all())
        return "(from recording where kind = 'call')"
    if path.endswith(".csv"):
        # What it takes the columns to be is its own guess, which must be right.
        return f"read_csv('{path}', sample_size = -1)"
    if path.endswith(".parquet"):
        return f"read_parquet('{path}')"
    return f"read_parquet('{path}/**/*.parquet', hive_partitioning = true)"


def of(path):
    table = read(path)
    columns = [(name, kind) for name, kind, *_ in duckdb.sql(f"describe select * from {table}").fetchall()]
    numbers = [name for name, kind in columns if kind.endswith("INT") or kind.endswith("INTEGER")]
    sums = ", ".join(f"sum({name})::varchar" for name in numbers)
    found = {"columns": [name for name, _ in columns]}
    row = duckdb.sql(f"select count(*), {sums} from {table}").fetchall()[0]
    found["rows"], found["sums"] = row[0], dict(zip(numbers, row[1:]))
    if path.endswith(".parquet"):
        arrow = pq.read_table(path)
        arrow.validate(full=True)
        for name in numbers:
            values = [value for value in arrow[name].to_pylist() if value is not None]
            assert found["sums"][name] == (str(sum(values)) if values else None), name
        found["trace"] = json.loads(pq.read_metadata(path).metadata[b"trace"])
    if "call" in found["columns"] and "kernel_ns" in found["columns"]:
        phases = ", ".join(f"sum({phase}_ns)::varchar" for phase in ("kernel", "blocked", "runnable", "copying"))
        found["by_call"] = {name: rest for name, *rest in duckdb.sql(
            f"""select call, count(*)::varchar, {phases} from {table} group by call""").fetchall()}
    if "time" in found["columns"]:
        # Comma-separated values have no type for a time to the nanosecond.
        wall = "time" if path.endswith(".csv") else "epoch_ns(time)"
        found["wall"] = duckdb.sql(f"select min({wall})::varchar from {table}").fetchall()[0][0]
    if "host" in found["columns"]:
        found["hosts"] = sorted(duckdb.sql(f"select distinct host from {table}").fetchall())
    return found


print(json.dumps([of(path) for path in sys.argv[1:]]))
