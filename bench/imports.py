"""imports: a file of members from the request to the last row, beside a bare COPY of the same."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import psycopg2

from bench.bed import PROCESSES, BenchFailed, peak_memory, wait_until
from bench.report import Table, ratio, spread
from bench.rows import HEADER, member_rows
from tasks.records import voting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psutil

    from bench.__main__ import Scale
    from bench.bed import Bed

_COPY = """
    COPY members (org_id, member_number, name, surname, national_id, birth_date, email, phone,
                  password_hash, weight, other)
    FROM STDIN (FORMAT csv, FORCE_NOT_NULL (password_hash))
"""
_MIB = 1024 * 1024


class Size(NamedTuple):
    """What was measured of files of one size."""

    rows: int
    #: Rows a second of each round.
    copied: list[float]
    imported: list[float]
    worked: list[float]
    #: The most memory of the largest process of a kind; bytes.
    memory: dict[str, int]


def figure(bed: Bed, scale: Scale) -> Iterator[Table]:
    """Import files of two sizes, each beside a COPY of the same rows into the same table."""
    with bed.database.transaction() as connection:
        made = voting.add_organization(connection, subject="bench")
        key = voting.add_api_key(connection, made.id, name="", scopes=voting.SCOPES)
    with TemporaryDirectory(prefix="jobspine-rows-") as folder:
        sizes = [
            _measure(bed, Path(folder), rows, rounds=scale.imports, org=made.address, key=key)
            for rows in scale.rows
        ]
    bed.clear()
    yield _rates(sizes)
    yield _memory(sizes)


def _measure(bed: Bed, folder: Path, rows: int, *, rounds: int, org: str, key: str) -> Size:
    file, plain = folder / "members.csv", folder / "copied.csv"
    _write(file, plain, rows)
    size = Size(rows, [], [], [], {})
    # Processes of its own for every size: what they ever held is what is reported.
    with bed.api() as port, bed.workers() as workers:
        for _ in range(rounds):
            _empty(bed)
            size.copied.append(rows / _copy(bed, plain))
            _empty(bed)
            whole, work = _import(bed, port, file, rows=rows, org=org, key=key)
            size.imported.append(rows / whole)
            size.worked.append(rows / work)
        size.memory["worker process"] = _largest(workers[0].children())
        size.memory["worker parent"] = peak_memory(workers[0])
        size.memory["API process"] = _largest(_api_processes(workers[0]))
    return size


def _write(file: Path, plain: Path, rows: int) -> None:
    """Write the file as it is sent, and as COPY takes it without any work of ours."""
    with file.open("wb") as sent, plain.open("w") as copied:
        sent.write(HEADER)
        for row in member_rows(rows):
            sent.write(row)
            *fields, weight = row.decode().rstrip("\n").split(",")
            copied.write(f"0,{','.join(fields)},,{weight},{{}}\n")


def _empty(bed: Bed) -> None:
    bed.sql("TRUNCATE members")
    bed.sql("UPDATE organizations SET member_count = 0")
    bed.sql("CHECKPOINT")


def _copy(bed: Bed, plain: Path) -> float:
    with (
        contextlib.closing(psycopg2.connect(bed.settings.database_url)) as connection,
        connection.cursor() as cursor,
        plain.open() as file,
    ):
        began = time.perf_counter()
        cursor.copy_expert(_COPY, file, _MIB)
        connection.commit()
        return time.perf_counter() - began


def _import(
    bed: Bed, port: int, file: Path, *, rows: int, org: str, key: str
) -> tuple[float, float]:
    """Import a file over HTTP; return the seconds from the request, and those of the worker."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"}
    headers["Content-Length"] = str(file.stat().st_size)
    began = time.perf_counter()
    api = http.client.HTTPConnection("127.0.0.1", port)
    with contextlib.closing(api), file.open("rb") as body:
        api.request("POST", f"/organizations/{org}/members", body, headers)
        answer = json.loads(api.getresponse().read())
    over = "SELECT finished_at - started_at FROM jobs WHERE id = %s AND finished_at IS NOT NULL"
    wait_until(lambda: bed.sql(over, answer["jobId"]), "the import ends", pause=0.05)
    whole = time.perf_counter() - began
    ((took,),) = bed.sql(over, answer["jobId"])
    ((added,),) = bed.sql("SELECT count(*) FROM members")
    if added != rows:
        raise BenchFailed(f"{rows} rows went in, {added} are there")
    return whole, took.total_seconds()


def _api_processes(worker: psutil.Process) -> list[psutil.Process]:
    """Return gunicorn's processes: children of ours that are not the worker's."""
    ours = worker.parent()
    found = ours.children(recursive=True) if ours else []
    return [one for one in found if "gunicorn" in " ".join(one.cmdline() or [])]


def _largest(processes: Sequence[psutil.Process]) -> int:
    return max(peak_memory(process) for process in processes)


def _rates(sizes: Sequence[Size]) -> Table:
    rows = [
        [
            f"{size.rows:,} rows: {name}",
            spread(rates),
            ratio(rates, size.copied) if rates is not size.copied else "",
        ]
        for size in sizes
        for name, rates in (
            ("COPY into the same table", size.copied),
            ("import, POST to completed", size.imported),
            ("import, the worker's part", size.worked),
        )
    ]
    return Table(
        "imports: CSV of 8 columns, 2 % bad e-mails, one file at a time",
        ["", "rows/s", "of COPY"],
        rows,
        ["Wanted: 0.15 of COPY, 0.30 as the aim."],
    )


def _memory(sizes: Sequence[Size]) -> Table:
    return Table(
        f"imports: peak memory of a process (MiB), {PROCESSES} processes of each kind",
        ["", *[f"{size.rows:,} rows" for size in sizes]],
        [
            [name, *[f"{size.memory[name] / _MIB:.0f}" for size in sizes]]
            for name in sizes[0].memory
        ],
        ["The file of the largest size is ten times that of the smallest."],
    )
