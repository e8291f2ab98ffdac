"""Datasets in PostgreSQL with PostGIS, for a team: several in one database, each change recorded.

The tables follow ``geo/schemas``: a table a resource, keyed by dataset and id; empty cells are
NULL, extra columns one jsonb, the order of rows a number. A dataset's digest there is that of
``edits.digest``: of its cells and its descriptor, however a file spells them. What a database
cannot do is told as a ``DatabaseError``.
"""

from __future__ import annotations

import csv
import getpass
import io
import json
import logging
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import geopandas as gpd
import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.engine import URL, Connection, Engine, make_url

from geo import edits, texts
from geo.dataset import CRS, TABLES, Dataset, DatasetError, Problem, View, schema
from geo.edits import Change, ChangedMeanwhile, Edit, Package
from geo.selection import Selection

SCHEMA = "contested_claims"  # of the database: where all our tables are, so that rights are simple
URL_VARIABLE = "CLAIMS_DATABASE_URL"
_US = "contested-claims"  # as the server's list of sessions shows us
_POOL_LOG = "sqlalchemy.pool.impl.QueuePool"
_LIKE = "postgresql://USER:PASSWORD@HOST/DATABASE"
_TIMEOUT_S = 15  # without a word from the server
_LOCK_TIMEOUT_MS = 10_000  # of waiting for another who saves
_MOMENT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
# The audit's columns, in the order of ``edits.COLUMNS``.
_LOGGED = ("at", "who", "table_name", "row_id", "field", "before", "after", "why")
_WHEN = 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
_WORDS = ("title", "title_fr", "description", "description_fr")
_DESCRIPTOR = "datapackage.json"
_metadata = sa.MetaData(schema=SCHEMA)


class DatabaseError(DatasetError):
    """What a database could not do, as the problems of a dataset are told; no password in it."""

    def __init__(self, url: URL, code: str, found: str | None = None, detail: str = ""):
        plain = url.set(drivername="postgresql", query={})
        shown = plain.render_as_string(hide_password=True)
        super().__init__(shown, [Problem("PostgreSQL", None, None, found, code, detail or shown)])


class StaleError(DatabaseError, ChangedMeanwhile):
    """A save that started from an older version than the newest; nothing of it was written.

    ``theirs`` is the package as it stands now, with which ``edits.merge`` can go on, ``digest`` its
    version, and ``changes`` what came since the version started from, as ``history`` tells it:
    empty where this database never held that one.
    """

    def __init__(self, url: URL, theirs: Package, digest: str, changes: list[dict[str, str]]):
        found = f"{changes[-1]['who']}, {changes[-1]['when']}" if changes else None
        cells = dict.fromkeys(" ".join((c["table"], c["row"], c["field"])) for c in changes)
        DatabaseError.__init__(self, url, "database-stale", found, ", ".join(cells) or digest)
        self.theirs, self.digest, self.changes = theirs, digest, changes


# Tables


class _Point(sa.types.UserDefinedType):
    cache_ok = True

    def get_col_spec(self, **_options) -> str:
        return "geometry(Point,4326)"


_datasets = sa.Table(
    "datasets",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),
    *(sa.Column(word, sa.Text, nullable=False) for word in _WORDS),
    sa.Column("views", sa.JSON, nullable=False),
    # json, not jsonb: it keeps the order of keys, and any escape that JSON knows.
    sa.Column("descriptor", sa.JSON, nullable=False),
    sa.Column("columns", sa.JSON, nullable=False),  # table -> [[column, pandas' type], …]
    sa.Column("changelog", sa.Text, nullable=False),  # that of the package as it was taken in
    sa.Column("taken_in", sa.Integer, nullable=False),  # with which version that was
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
)
# The other files that a package lists.
_files = sa.Table(
    "files",
    _metadata,
    sa.Column("dataset", sa.ForeignKey(_datasets.c.name, ondelete="CASCADE"), primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
_audit = sa.Table(
    "audit",
    _metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    # No foreign key: what was done to a dataset outlives it.
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column(
        "at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()
    ),
    sa.Column("db_user", sa.Text, nullable=False, server_default=sa.text("session_user")),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("table_name", sa.Text, nullable=False),
    sa.Column("row_id", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("after", sa.Text, nullable=False),
    sa.Index("audit_version", "dataset", "version"),
    sa.Index("audit_digest", "dataset", "digest"),
)


def _checks(column: sa.Column, constraints: dict) -> Iterator[sa.ColumnElement]:
    """What the table schema asks of a cell that is not empty."""
    if isinstance(column.type, sa.Text):
        yield column != ""  # an empty cell is NULL, and nothing else
    for rule, value in constraints.items():
        if rule == "enum":
            yield column.in_(value)
        elif rule == "pattern":
            yield column.regexp_match(value)
        elif rule == "minimum":
            yield column >= value
        elif rule == "maximum":
            yield column <= value
        elif rule not in ("required", "unique"):
            raise NotImplementedError(f"{column}: {rule}")


def _table(name: str) -> sa.Table:
    types = {"number": sa.Numeric, "integer": sa.BigInteger, "date": sa.Date, "string": sa.Text}
    description, key = schema(name), edits.key_of(name)
    items: list = [
        sa.Column("dataset", sa.ForeignKey(_datasets.c.name, ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
    ]
    for field in description["fields"]:
        constraints = field.get("constraints", {})
        column = sa.Column(
            field["name"],
            types[field["type"]],
            primary_key=field["name"] == key,
            nullable=not constraints.get("required", False),
            autoincrement=False,
        )
        items += [column, *map(sa.CheckConstraint, _checks(column, constraints))]
    for reference in description.get("foreignKeys", []):
        own, there = reference["fields"], reference["reference"]
        target = [f"{SCHEMA}.{there['resource']}.{f}" for f in ("dataset", *there["fields"])]
        items.append(sa.ForeignKeyConstraint(["dataset", *own], target))
        items.append(sa.Index(f"{name}_{'_'.join(own)}", "dataset", *own))
    items.append(sa.Column("extra", JSONB, nullable=False))
    if name == "places":
        point = sa.func.ST_SetSRID(
            sa.func.ST_MakePoint(
                sa.cast(sa.column("lon"), sa.Double), sa.cast(sa.column("lat"), sa.Double)
            ),
            4326,
        )
        items.append(sa.Column("geometry", _Point, sa.Computed(point, persisted=True)))
        items.append(sa.Index("places_geometry", "geometry", postgresql_using="gist"))
    return sa.Table(name, _metadata, *items)


_tables = {name: _table(name) for name in TABLES}


# Connections


def connect(url: str) -> Engine:
    """The pool of connections to a database, made as they are needed; safe to share by threads.

    ``dispose()`` closes it.

    ``url``: ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``, with ``?sslmode=require``,
    ``verify-full`` (the certificate and the host's name are checked) or ``disable``,
    ``sslrootcert=FILE``, and ``host=FOLDER`` for a socket on this machine, as PostgreSQL's own
    programs have them; by default encrypted where the server can. A connection that broke is made
    anew. Raises DatabaseError for what is no such address.
    """
    try:
        address = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        # It may hold a password: nothing of it is told.
        raise DatabaseError(URL.create("postgresql"), "database-url", detail=_LIKE) from None
    query = dict(address.query)
    mode, root = query.pop("sslmode", "prefer"), query.pop("sslrootcert", None)
    known = ("disable", "prefer", "require", "verify-full")
    sound = address.drivername in ("postgresql", "postgres", "postgresql+pg8000")
    options: dict = {"timeout": _TIMEOUT_S, "application_name": _US}
    folder = query.pop("host", None)  # of the server's socket, on this machine
    if folder is not None:
        options["unix_sock"] = f"{folder}/.s.PGSQL.{address.port or 5432}"
    if query or mode not in known or not sound or not (folder or address.host):
        raise DatabaseError(address, "database-url", detail=_LIKE)
    if address.username is None:
        address = address.set(username=getpass.getuser())
    try:
        if mode != "prefer":
            options["ssl_context"] = _tls(mode, root)
    except OSError as error:
        raise DatabaseError(address, "file-missing", error.strerror, str(root)) from error
    # It would log a connection that is already gone as an error, with a traceback.
    logging.getLogger(f"{_POOL_LOG}.{_US}").setLevel(logging.CRITICAL)
    return sa.create_engine(
        address.set(drivername="postgresql+pg8000", query={}),
        pool_pre_ping=True,
        pool_logging_name=_US,
        connect_args=options,
    )


def _tls(mode: str, root: str | None) -> ssl.SSLContext | bool:
    if mode == "disable":
        return False
    context = ssl.create_default_context(cafile=root)
    if mode == "require":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


# The first letters of SQLSTATE -> our code.
_CODES = {
    "28": "database-login",
    "3D": "database-away",
    "3F": "database-empty",
    "42P01": "database-empty",
    "42703": "database-empty",
    "42501": "database-rights",
    "25006": "database-rights",
    "23": "database-rule",
    "22": "database-rule",
    "55P03": "database-busy",
    "40": "database-busy",
}


def _failure(url: URL, error: Exception) -> DatabaseError:
    """What a failure of the driver means, as one of our problems."""
    told = getattr(error, "orig", None) or error
    cause = told if isinstance(told, OSError) else told.__cause__
    if isinstance(cause, OSError):
        return DatabaseError(url, "database-away", cause.strerror or str(cause))
    told = told.args[0] if told.args and isinstance(told.args[0], dict) else {"M": str(told)}
    state, message = told.get("C", ""), told["M"].partition("\n")[0]
    code = next((_CODES[s] for s in (state, state[:2]) if s in _CODES), None)
    if code == "database-rule":
        return DatabaseError(url, code, message, told.get("n") or told.get("c") or message)
    return DatabaseError(url, code or "database-away", message)


@contextmanager
def _transaction(engine: Engine, **options) -> Iterator[Connection]:
    """A transaction, undone unless its block ends well; what the driver raises is told."""
    try:
        with engine.connect() as connection:
            connection = connection.execution_options(**options)
            with connection.begin():
                yield connection
    # OSError: pg8000 lets some through where the server falls silent in mid-sentence.
    except (sa.exc.SQLAlchemyError, OSError) as error:
        raise _failure(engine.url, error) from error


def create(engine: Engine) -> None:
    """Make the tables, and PostGIS where the user may; what is there already stays as it is.

    Raises DatabaseError.
    """
    there = sa.text("SELECT 1 FROM pg_extension WHERE extname = 'postgis'")
    with _transaction(engine) as connection:
        has_postgis = connection.execute(there).first()
    if not has_postgis:
        try:
            with _transaction(engine) as connection:
                connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS postgis"))
        except DatabaseError as error:
            found = error.problems[0].found
            raise DatabaseError(engine.url, "database-postgis", found) from error
    with _transaction(engine) as connection:
        connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
        _metadata.create_all(connection)


# Reading


def names(engine: Engine) -> tuple[str, ...]:
    """The datasets that the database holds, by name. Raises DatabaseError."""
    with _transaction(engine) as connection:
        return _names(connection)


def _names(connection: Connection) -> tuple[str, ...]:
    return tuple(connection.scalars(sa.select(_datasets.c.name).order_by(_datasets.c.name)))


def version(engine: Engine, name: str = "") -> tuple[str, str]:
    """Name and digest of a dataset as it is now, by one query on an index: cheap to ask often.

    Without a name, of the only dataset there. Raises DatabaseError.
    """
    with _transaction(engine, isolation_level="AUTOCOMMIT") as connection:
        found = _row(connection, name, _datasets.c.name, _datasets.c.digest)
    return found.name, found.digest


def _row(connection: Connection, name: str, *columns, lock: bool = False) -> sa.Row:
    """The row of ``datasets`` for a name, or of the only one where the name is empty."""
    asked = sa.select(*columns or [_datasets]).limit(2)
    if name:
        asked = asked.where(_datasets.c.name == name)
    rows = connection.execute(asked.with_for_update() if lock else asked).all()
    if len(rows) != 1:
        listed = ", ".join(_names(connection))
        code = "database-unknown" if listed else "database-no-dataset"
        raise DatabaseError(connection.engine.url, code, name or None, listed)
    return rows[0]


def load(engine: Engine, name: str = "", selection: Selection | None = None) -> Dataset:
    """A dataset of the database; without a name, the only one that is there.

    With a selection, what ``selection.apply`` keeps of it, worked out by the server, which sends
    only that. All tables are read as of one moment. Raises DatabaseError.
    """
    with _transaction(engine, **_MOMENT) as connection:
        row = _row(connection, name)
        if selection is None:
            tables = {table: _typed_table(connection, table, row) for table in TABLES}
        else:
            tables = _kept(connection, row, selection)
    views = (View(**v | {"bounds": tuple(v["bounds"])}) for v in row.views)
    words = {word: getattr(row, word) for word in _WORDS}
    return Dataset(name=row.name, digest=row.digest, views=tuple(views), **words, **tables)


def read(engine: Engine, name: str = "") -> Package:
    """A dataset of the database as a package: to be edited, or packed into a file.

    All that the package held which was taken in, and in its changelog what was done since. Numbers
    and days are spelled in one way (100000.0 for 1e5). Raises DatabaseError.
    """
    with _transaction(engine, **_MOMENT) as connection:
        return _package(connection, _row(connection, name))


def _package(connection: Connection, row: sa.Row) -> Package:
    tables = {t: _text_table(connection, t, row) for t in TABLES}
    files = sa.select(_files.c.path, _files.c.content).where(_files.c.dataset == row.name)
    others = tuple((f.path, f.content) for f in connection.execute(files.order_by(_files.c.path)))
    text = io.StringIO(newline="")
    lines = csv.DictWriter(text, edits.COLUMNS, lineterminator="\n", extrasaction="ignore")
    done = _history(connection, row.name, _audit.c.version > row.taken_in)
    if done and not row.changelog.strip():
        lines.writeheader()
    elif done and not row.changelog.endswith("\n"):
        text.write("\n")
    lines.writerows(done)
    return Package(row.descriptor, tables, row.changelog + text.getvalue(), others)


def _cells(
    connection: Connection, name: str, row: sa.Row, rules: Sequence[sa.ColumnElement] = ()
) -> dict[str, Sequence]:
    """Column -> cells as text, of all rows in order, or of those to which the rules apply.

    Of places with ``geometry`` as WKB.
    """
    table, kinds = _tables[name], _kinds(name)
    asked = [_as_text(table.c[column], kind).label(column) for column, kind in kinds.items()]
    if name == "places":
        asked.append(sa.func.ST_AsBinary(table.c.geometry, type_=sa.LargeBinary).label("geometry"))
    query = sa.select(*asked, table.c.extra).where(table.c.dataset == row.name, *rules)
    found = connection.execute(query.order_by(table.c.position)).all()
    named = [column.name for column in asked]
    cells = dict(zip(named, zip(*found, strict=True), strict=False)) or dict.fromkeys(named, ())
    for column, _ in row.columns[name]:
        if column not in cells:
            cells[column] = [each.extra.get(column, "") for each in found]
    return cells


def _kinds(table: str) -> dict[str, str]:
    return {field["name"]: field["type"] for field in schema(table)["fields"]}


def _text_table(connection: Connection, name: str, row: sa.Row) -> pd.DataFrame:
    """One table as ``edits.read`` gives it."""
    cells = _cells(connection, name, row)
    key, *columns = (column for column, _ in row.columns[name])
    index = pd.Index(cells[key], name=key, dtype=object)
    return pd.DataFrame({c: cells[c] for c in columns}, index=index, columns=columns, dtype=object)


def _typed_table(
    connection: Connection, name: str, row: sa.Row, rules: Sequence[sa.ColumnElement] = ()
) -> pd.DataFrame:
    """One table as ``dataset.load`` gives it, or those of its rows to which the rules apply."""
    cells, kinds = _cells(connection, name, row, rules), _kinds(name)
    # By the types of the whole table: some of its rows alone might look like integers.
    columns = {c: _typed(cells[c], kinds.get(c, "string"), dtype) for c, dtype in row.columns[name]}
    index = pd.Index(columns.pop(edits.key_of(name)), name=edits.key_of(name))
    frame = pd.DataFrame({column: values.array for column, values in columns.items()}, index=index)
    if name == "places":
        points = gpd.GeoSeries.from_wkb(list(cells["geometry"]), index=index, crs=CRS)
        frame = gpd.GeoDataFrame(frame, geometry=points)
    return frame


def _as_text(column: sa.Column, kind: str) -> sa.ColumnElement[str]:
    """A cell as its CSV would have it."""
    if kind in ("number", "integer"):
        column = sa.cast(column, sa.Text)
    elif kind == "date":
        column = sa.func.to_char(column, "YYYY-MM-DD")
    return sa.func.coalesce(column, "")


def _typed(cells: Sequence[str], kind: str, dtype: str) -> pd.Series:
    if kind in ("number", "integer") and dtype != "object":
        number = float if dtype.startswith("float") else Decimal
        return pd.Series([number(c) if c else None for c in cells], dtype=object).astype(dtype)
    if kind == "date" and dtype != "object":
        days = pd.Series(cells, dtype="str").replace("", None)
        return pd.to_datetime(days, format="%Y-%m-%d").astype(dtype)
    return pd.Series(texts.all_legible(cells), dtype=dtype)


def _kept(connection: Connection, row: sa.Row, chosen: Selection) -> dict[str, pd.DataFrame]:
    """The tables of what a selection keeps, claims with their status.

    The rules are those of ``selection.apply`` and ``dataset.statuses``. Query by query without a
    join, so that no plan can go wrong where the server has not counted its rows yet.
    """
    claims, said, drawn = (_tables[t] for t in ("claims", "statements", "features"))
    heard = [said.c.dataset == row.name]
    if chosen.as_of is not None:
        heard.append(said.c.date <= chosen.as_of)
    if chosen.source:
        heard.append(said.c.source.in_(chosen.source) | said.c.origin.in_(chosen.source))
    judged = _judged(connection, heard, chosen.status)
    rules = [_among(claims.c.id, judged)]
    for column in (claims.c.confidence, claims.c.theme):
        if getattr(chosen, column.name):
            rules.append(column.in_(getattr(chosen, column.name)))
    shown = _typed_table(connection, "claims", row, rules)
    shown = shown.assign(status=[judged[claim] for claim in shown.index])
    of_shown = {
        "statements": [*heard, _among(said.c.claim, shown.index)],
        "features": [_among(drawn.c.claim, shown.index)],
    }
    return {
        t: shown if t == "claims" else _typed_table(connection, t, row, of_shown.get(t, ()))
        for t in TABLES
    }


def _among(column: sa.Column, values: Iterable[str]) -> sa.ColumnElement[bool]:
    return column == sa.any_(sa.literal(list(values), sa.ARRAY(sa.Text)))


def _judged(
    connection: Connection, heard: list[sa.ColumnElement], wanted: Sequence[str]
) -> dict[str, str]:
    """Claim -> its status by the statements ``heard``, of claims whose status is wanted."""
    said = _tables["statements"]
    # A statement stands if its speaker has taken nothing back of that claim from it on.
    retractions = (
        sa.func.count()
        .filter(said.c.stance == "retracts")
        .over(
            partition_by=(said.c.claim, said.c.source),
            order_by=(said.c.date.desc().nulls_last(), said.c.position.desc()),
            rows=(None, 0),
        )
    )
    stands = (retractions == 0).label("stands")
    each = sa.select(said.c.claim, said.c.stance, stands).where(*heard).subquery()
    asserted_once = sa.func.bool_or(each.c.stance == "asserts")
    asserted = sa.func.bool_or((each.c.stance == "asserts") & each.c.stands)
    denied = sa.func.bool_or((each.c.stance == "denies") & each.c.stands)
    status = sa.case(
        (asserted & denied, "contested"),
        (asserted, "sourced"),
        (asserted_once, "withdrawn"),
        (denied, "denied"),
        else_="declined",
    )
    query = sa.select(each.c.claim, status.label("status")).group_by(each.c.claim)
    if wanted:
        query = query.having(status.in_(wanted))
    return {found.claim: found.status for found in connection.execute(query)}


def history(engine: Engine, name: str, since: str = "") -> list[dict[str, str]]:
    """What was done to a dataset, oldest first: all, or what came after the version ``since``.

    Each with the keys of ``edits.COLUMNS`` (``when`` in UTC) and ``version``, ``digest``,
    ``db_user``; taking a dataset in is one line without table, row and field. ``since`` is a
    digest. A dataset that is gone still has its history. Raises DatabaseError.
    """
    with _transaction(engine) as connection:
        return _history(connection, name, _audit.c.version > _number_of(name, since))


def _number_of(name: str, digest: str) -> sa.ColumnElement[int]:
    """The number of the last version that had that digest; of none where the digest is empty."""
    if not digest:
        return sa.literal(0)
    then = sa.select(sa.func.max(_audit.c.version))
    return then.where(_audit.c.dataset == name, _audit.c.digest == digest).scalar_subquery()


def _history(connection: Connection, name: str, rule: sa.ColumnElement) -> list[dict[str, str]]:
    named = zip(edits.COLUMNS, _LOGGED, strict=True)
    asked = [_audit.c[column].label(label) for label, column in named if column != "at"]
    # As text: the driver misreads days in the style that a server may be set to.
    asked.append(sa.func.to_char(sa.func.timezone("UTC", _audit.c.at), _WHEN).label("when"))
    asked += [_audit.c.version, _audit.c.digest, _audit.c.db_user]
    query = sa.select(*asked).where(_audit.c.dataset == name, rule).order_by(_audit.c.id)
    return [dict(line) for line in connection.execute(query).mappings()]


# Writing


def store(
    engine: Engine, package: Package, name: str, *, who: str, why: str, replace_it: bool = False
) -> str:
    """Take a package into the database and return its digest there.

    ``name``: what to call it, unless its descriptor says. With ``replace_it`` it takes the place of
    a dataset of that name, each difference recorded; otherwise such a name is refused. Raises
    DatabaseError, and DatasetError for a package that is not sound.
    """
    name = str(package.descriptor.get("name") or name)
    package = replace(package, descriptor=package.descriptor | {"name": name})
    whole = edits.dataset_of(package)
    _refuse_nul(engine.url, whole, package)
    # Of two who take in the same at once, one waits here and is refused.
    blank = dict.fromkeys((*_WORDS, "digest", "changelog"), "") | {"version": 0, "taken_in": 0}
    blank |= {"name": name, "views": [], "descriptor": {}, "columns": _columns(package, whole)}
    reserve = insert(_datasets).values(blank).on_conflict_do_nothing().returning(_datasets.c.name)
    with _transaction(engine) as connection:
        new = connection.execute(reserve).first() is not None
        if not (new or replace_it):
            raise DatabaseError(engine.url, "database-exists", name)
        row = _locked(connection, name)
        taken_in = {"changelog": package.changelog, "taken_in": row.version + 1}
        connection.execute(_datasets.update().where(_datasets.c.name == name).values(taken_in))
        connection.execute(_files.delete().where(_files.c.dataset == name))
        if package.others:
            others = [{"dataset": name, "path": p, "content": raw} for p, raw in package.others]
            connection.execute(_files.insert(), others)
        change = Change((), who, why, datetime.now(UTC))
        return _bring(connection, row, package, whole, [change], whole_line=new)


def save(
    engine: Engine, name: str, package: Package, changes: Sequence[Change], expected_digest: str
) -> str:
    """Save an edited package in one transaction and return its new digest; ``edits.save``'s twin.

    ``expected_digest`` is that of the package as it was read: if it is not the newest any more,
    nothing is written and StaleError tells what came since. Every cell that differs is recorded
    with the author and note of the last of the ``changes`` that touch it (of the last one, where
    none does). Without a difference there is no new version. Raises DatabaseError, and
    DatasetError for a package that is not sound.
    """
    package = replace(package, descriptor=package.descriptor | {"name": name})
    whole = edits.dataset_of(package)
    _refuse_nul(engine.url, whole, package)
    with _transaction(engine) as connection:
        row = _locked(connection, name)
        if row.digest != expected_digest:
            done = _history(connection, name, _audit.c.version > _number_of(name, expected_digest))
            raise StaleError(engine.url, _package(connection, row), row.digest, done)
        return _bring(connection, row, package, whole, changes)


def _locked(connection: Connection, name: str) -> sa.Row:
    """The row of a dataset, held so that nobody else saves until this transaction ends."""
    wait = sa.func.set_config("lock_timeout", f"{_LOCK_TIMEOUT_MS}ms", True)
    connection.execute(sa.select(wait))
    return _row(connection, name, lock=True)


def _refuse_nul(url: URL, whole: Dataset, package: Package) -> None:
    """JSON can hold the one character that PostgreSQL cannot, and Python's NaN; tables never do."""
    for word in ("name", *_WORDS):
        if "\0" in getattr(whole, word):
            raise DatabaseError(url, "database-rule", word, "datapackage.json")
    try:
        json.dumps(package.descriptor, allow_nan=False)
    except ValueError as error:
        raise DatabaseError(url, "database-rule", str(error), "datapackage.json") from error


def _bring(
    connection: Connection,
    row: sa.Row,
    package: Package,
    whole: Dataset,
    changes: Sequence[Change],
    whole_line: bool = False,
) -> str:
    """Make what the database holds for ``row`` into the package; returns the digest that it gets.

    ``whole_line``: one line of the audit for all of it.
    """
    before = _package(connection, row)
    for table in TABLES:
        _write(connection, table, row.name, before.tables[table], package.tables[table])
    for table in reversed(TABLES):
        gone = before.tables[table].index.difference(package.tables[table].index)
        if len(gone):
            own = _tables[table]
            chosen = sa.cast(own.c[edits.key_of(table)], sa.Text) == sa.bindparam("gone")
            delete = own.delete().where(own.c.dataset == row.name, chosen)
            connection.execute(delete, [{"gone": key} for key in gone])
    now = {word: getattr(whole, word) for word in _WORDS}
    now |= {"views": json.loads(json.dumps([asdict(view) for view in whole.views]))}
    now |= {"descriptor": package.descriptor, "columns": _columns(package, whole)}
    update = _datasets.update().where(_datasets.c.name == row.name)
    connection.execute(update.values(now))
    after = _package(connection, _row(connection, row.name))
    digest = edits.digest(after)
    if digest == row.digest:
        return digest
    version = row.version + 1
    connection.execute(update.values(version=version, digest=digest))
    lines = [] if whole_line else _lines(before, after, changes)
    author, note = (changes[-1].author, changes[-1].note) if changes else ("", "")
    # Something differs, if no cell: the order of columns, say.
    lines = lines or [dict.fromkeys(_LOGGED, "") | {"who": author, "why": note}]
    common = {"dataset": row.name, "version": version, "digest": digest}
    connection.execute(_audit.insert(), [_without(line, "at") | common for line in lines])
    return digest


def _lines(before: Package, after: Package, changes: Sequence[Change]) -> list[dict[str, str]]:
    """The audit of what differs, cell by cell, with who changed it and why."""
    told = {
        (line["table"], line["row"], line["field"]): (change.author, change.note)
        for change in changes
        for line in edits.log_rows([change])
    }
    last = (changes[-1].author, changes[-1].note) if changes else ("", "")
    differ = edits.diff(before.tables, after.tables)
    differ += tuple(
        Edit("datapackage.json", "", field, *(_json(d.get(field)) for d in pair))
        for pair in [(before.descriptor, after.descriptor)]
        for field in dict.fromkeys([*pair[0], *pair[1]])
        if pair[0].get(field) != pair[1].get(field)
    )
    lines = []
    for line in edits.log_rows([Change(differ, "", "", datetime.now(UTC))]):
        named = dict(zip(_LOGGED, (line[column] for column in edits.COLUMNS), strict=True))
        who, why = told.get((line["table"], line["row"], line["field"]), last)
        lines.append(named | {"who": who, "why": why})
    return lines


def _without(line: dict, key: str) -> dict:
    return {k: v for k, v in line.items() if k != key}


def _json(value) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _columns(package: Package, whole: Dataset) -> dict[str, list[list[str]]]:
    """The columns of each table in their order, with pandas' types, the key first."""
    found = {}
    for table in TABLES:
        frame, text = getattr(whole, table), package.tables[table]
        types = {frame.index.name: frame.index.dtype} | dict(frame.dtypes)
        named = [edits.key_of(table), *text.columns]
        found[table] = [[column, str(types.get(column, "str"))] for column in named]
    return found


def _write(
    connection: Connection, table: str, name: str, before: pd.DataFrame, after: pd.DataFrame
) -> None:
    """Add and change the rows of one table; those that are gone stay for now."""
    own, key, kinds = _tables[table], edits.key_of(table), _kinds(table)
    asked = sa.select(sa.cast(own.c[key], sa.Text), own.c.position).where(own.c.dataset == name)
    positions = {row[0]: row[1] for row in connection.execute(asked)}
    new_positions = _positions(positions, list(after.index))
    was = before.to_dict("index")
    added, changed = [], {}
    for row, cells in after.to_dict("index").items():
        extra = {column: text for column, text in cells.items() if column not in kinds}
        cells = {column: text for column, text in cells.items() if column in kinds}
        if row not in was:
            values = {c: _value(cells.get(c, ""), kind) for c, kind in kinds.items()}
            values |= {key: _value(row, kinds[key]), "extra": extra}
            added.append(values | {"dataset": name, "position": new_positions[row]})
            continue
        differ = {c: _value(t, kinds[c]) for c, t in cells.items() if t != was[row].get(c, "")}
        if any(text != was[row].get(c, "") for c, text in extra.items()) or any(
            c not in kinds and c not in extra for c in was[row]
        ):
            differ["extra"] = extra
        if new_positions[row] != positions[row]:
            differ["position"] = new_positions[row]
        if differ:
            # A parameter may not bear the name of a column.
            values = {f"new_{c}": value for c, value in differ.items()} | {"changed": row}
            changed.setdefault(tuple(differ), []).append(values)
    if added:
        connection.execute(own.insert().returning(own.c.position), added)
    chosen = sa.cast(own.c[key], sa.Text) == sa.bindparam("changed")
    for columns, rows in changed.items():
        new = {c: sa.bindparam(f"new_{c}", type_=own.c[c].type) for c in columns}
        connection.execute(own.update().where(own.c.dataset == name, chosen).values(new), rows)


def _positions(known: dict[str, int], order: list[str]) -> dict[str, int]:
    """A rising number for each row, the one that it has already as long as these rise."""
    found: dict[str, int] = {}
    last = -1
    for row in order:
        position = known.get(row, last + 1)
        if position <= last:
            return {each: number for number, each in enumerate(order)}
        found[row] = last = position
    return found


def _value(text: str, kind: str) -> str | int | Decimal | date | None:
    """A cell as a value for SQL; None where it is empty."""
    if text == "" or kind == "string":
        return text or None
    if kind == "date":
        return datetime.strptime(text, "%Y-%m-%d").date()
    if kind == "integer":
        return int(Decimal(text))
    number = Decimal(text)
    # What is not written as an integer is to stay so: 1e5 as 100000.0.
    integral = number == number.to_integral_value() and not text.strip(" +-").isdigit()
    return Decimal(f"{number:.1f}") if integral and "." not in f"{number:f}" else number
