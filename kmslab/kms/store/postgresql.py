"""PostgreSQL, where the processes of several machines share one store.

Every transaction first takes one lock of the database, so that commits happen one after the other,
as in a file: what a commit has checked stays true until it ends, and events are numbered in the
order in which they are stored. A server that has stopped is an error at once; calls work again as
soon as it answers, because a connection that the server has closed is replaced before it is used.
"""

from typing import Any

from sqlalchemy import URL, create_engine, event
from sqlalchemy.exc import DisconnectionError

from kmslab.kms.store.sql import LOCKED, PATIENCE, Database, Dialect

CONNECTIONS = 8  # of one process
LOCK = 0x6B6D736C6162  # "kmslab": the number of the lock that a transaction takes
# Seconds. When a machine or the network between fails silently, neither side waits for long.
GIVEN_UP = {"connect_timeout": 3, "tcp_user_timeout": 3_000, "keepalives_idle": 3}
GIVEN_UP |= {"keepalives_interval": 1, "keepalives_count": 3}
# A process whose machine fails within a transaction holds the lock for ten seconds. A commit is on
# the server's disk when it is answered, even if the server is set to answer before.
SETTINGS = f"""
SET lock_timeout = '{PATIENCE:.0f}s';
SET idle_in_transaction_session_timeout = '10s';
SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off';
"""

_NUMBER_ON = """
SELECT setval(pg_get_serial_sequence('event', 'sequence'), coalesce(max(sequence), 1), count(*) > 0)
FROM event
"""

# By SQLSTATE, or its class, which is its first two characters.
_ADVICE = {
    "53100": "could not grow: the disk of its server is full. Nothing was written; make room",
    "25006": "cannot be written: its server only reads. Name the primary server",
    "42501": "cannot be used: {reason}. Give this user the right to make and to write tables",
    "55P03": LOCKED,
    "XX": "is damaged: {reason}. Restore it from a copy",
    "22": "cannot hold this value: {reason}",
}
_UNREACHABLE = (
    "cannot be reached: {reason}. Is its server running, and is the URL right? Calls work again as "
    "soon as it answers"
)


def at_server(url: URL) -> Database:
    """The database at this URL, which exists already. Other processes may share it."""
    kept = {name: value for name, value in GIVEN_UP.items() if name not in url.query}
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={"autocommit": True, **kept},  # `Dialect.begin` begins transactions
            use_native_hstore=False,
            pool_size=CONNECTIONS,
            max_overflow=0,
            hide_parameters=True,  # in the texts of errors
        )
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'a store in PostgreSQL needs psycopg, which is not installed: pip install "psycopg'
            '[binary]"',
            name=error.name,
        ) from None
    event.listen(engine, "connect", lambda raw, _: raw.execute(SETTINGS))
    event.listen(engine, "checkout", _alive)
    dialect = Dialect(
        shown(url),
        # A stricter level would read what was there before it got the lock.
        begin=f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({LOCK})",
        advice=_advice,
        is_busy=lambda error: False,  # the server waits
        width=CONNECTIONS,
        shared=True,
        snapshot="BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        number_on=_NUMBER_ON,
    )
    return Database(engine, dialect)


def shown(url: URL) -> str:
    """The URL without user, password and options."""
    where = URL.create("postgresql", host=url.host, port=url.port, database=url.database)
    return where.render_as_string()


def _alive(raw: Any, *_: object) -> None:
    """Have the pool replace a connection that the server has closed. Sends nothing."""
    try:
        raw.pgconn.consume_input()  # the server's last words, if there are any
        raw.pgconn.consume_input()  # and after them the end
    except Exception as error:  # psycopg's OperationalError; it is not imported for its name alone
        raise DisconnectionError from error


def _advice(error: Any) -> str:
    state = getattr(error, "sqlstate", None) or "08"  # none: there was no connection, or it is lost
    reason = str(error).strip().partition("\n")[0].rpartition(" failed: ")[2]
    reason = reason.removeprefix("FATAL:").strip().rstrip(".")
    known = _ADVICE.get(state) or _ADVICE.get(state[:2])
    if known is None:
        known = _UNREACHABLE if state[:2] in ("08", "53", "57") else "failed: {reason}"
    return known.format(reason=reason)
