"""The environment, read once into one typed, frozen value."""

from __future__ import annotations

import base64
import logging
import os
import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    type_reader = Callable[[str], Any]


#: The longest that an attempt at a screening may ask, so that it ends before its process is ended.
LONGEST_RUN_SECONDS = 100
#: The fewest characters of a token that somebody made up.
SHORTEST_TOKEN = 16

_RATE = r"[1-9]\d{0,8}/(second|minute|hour|day)"
#: What values look like that have a form of their own, and what is said of others.
_FORMS = (
    ("chain_finality", r"finalized|safe|depth:\d+", "is neither finalized, safe nor depth:N"),
    ("income_rate", _RATE, "is not a limit such as 1200/minute"),
    ("credentials_rate", _RATE, "is not a limit such as 1200/minute"),
    ("dashboard_user_header", r"[A-Za-z0-9-]*", "is not the name of a header"),
    ("job_keep", r"(\w+=[1-9]\d{0,8}( |\Z))*", "does not consist of type=seconds"),
)


class SettingsInvalid(Exception):
    """The environment does not describe a service that can start; every fault is named."""


@dataclass(frozen=True, kw_only=True)
class _FromEnv:
    """What is read from the environment.

    Each field is read from the environment variable of its name in upper case; a field
    without a default is required. Durations are seconds, sizes are bytes.
    """

    @classmethod
    def of_command(cls) -> Self:
        """Read what the environment says, or end this process with what is wrong with it."""
        try:
            return cls.from_env()
        except SettingsInvalid as fault:
            raise SystemExit(str(fault)) from None

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read what the environment says.

        Raises:
            SettingsInvalid: naming every variable that is missing or wrong, in one error.
        """
        env = os.environ if env is None else env
        hints = get_type_hints(cls)
        values: dict[str, Any] = {}
        faults: list[str] = []
        for setting in fields(cls):
            name = setting.name.upper()
            raw = env.get(name, "")
            if raw == "":
                if setting.default is setting.default_factory:  # both MISSING: no default
                    faults.append(f"{name} is required")
                continue
            try:
                values[setting.name] = _READERS[hints[setting.name]](raw)
            except ValueError:
                faults.append(f"{name} is not {_EXPECTED[hints[setting.name]]}")
        faults += cls._faults(values)
        if faults:
            raise SettingsInvalid("; ".join(faults))
        return cls(**values)

    @classmethod
    def _faults(cls, values: Mapping[str, Any]) -> list[str]:
        """Say what is wrong with values that could be read."""
        faults = [
            f"{name.upper()} must be above zero"
            for name, value in values.items()
            if isinstance(value, int | float)
            and not isinstance(value, bool)
            and not value > 0
            and not (value == 0 and name in {"stop_grace_seconds", "proxies"})
        ]
        if values.get("log_level", "INFO") not in logging.getLevelNamesMapping():
            faults.append("LOG_LEVEL is not a level such as INFO")
        return faults


@dataclass(frozen=True, kw_only=True)
class Settings(_FromEnv):
    """Everything a process of the service may know of its surroundings."""

    #: PostgreSQL, as ``postgresql://user:password@host/name``; it holds every fact.
    database_url: str = field(repr=False)
    #: Redis, as ``redis://…``, ``rediss://…`` or ``unix:///path``; it holds nothing that matters.
    redis_url: str = field(repr=False)
    #: The secret or PEM public key that signed JWT bearers; without it none is accepted.
    jwt_key: str = field(default="", repr=False)
    #: The one algorithm that is accepted in JWT bearers.
    jwt_algorithm: str = "HS256"

    #: Where the API listens.
    web_host: str = "127.0.0.1"
    port: int = 8000
    #: Processes of the API, and threads in each.
    web_processes: int = 2
    web_threads: int = 8
    #: How long a client may be silent in the middle of a request.
    web_silence_seconds: float = 30.0

    #: Connections one process keeps to PostgreSQL at the most.
    database_pool: int = 10
    #: How long a request waits for PostgreSQL to accept a connection.
    database_connect_seconds: int = 3

    #: Worker processes under one `python -m workers`; each runs one job at a time.
    worker_processes: int = 2
    #: Queues these workers serve, separated by commas; empty means every queue of every type.
    worker_queues: tuple[str, ...] = ()
    #: The form of a worker process: "threads" (default) or "solo", Celery's own pools.
    worker_pool: str = "threads"
    #: Whether Celery's events and results are published, as Flower and `celery events` want them.
    celery_events: bool = False
    #: How long running jobs may go on after SIGTERM before they are handed back.
    stop_grace_seconds: float = 20.0
    #: How long a claim lasts without being renewed.
    lease_seconds: float = 6.0
    #: How often a claim is renewed.
    renew_seconds: float = 2.0
    #: How often lost, due and expired work is looked for.
    sweep_seconds: float = 1.0

    #: Modules that declare job types beside those of the package `tasks`.
    task_modules: tuple[str, ...] = ()
    #: How long ended jobs can be read, as ``type=seconds`` for each type that shall not have its
    #: own length of time.
    job_keep: tuple[str, ...] = ()
    #: Largest body that is read into memory.
    max_json_bytes: int = 16 * 1024 * 1024
    #: Largest file that is spooled.
    max_upload_bytes: int = 10 * 1024**3

    #: Proxies before the API, each of which adds to X-Forwarded-For and X-Forwarded-Proto.
    proxies: int = 0
    #: The header in which a proxy names the operator that it has signed in, instead of passwords.
    dashboard_user_header: str = ""
    #: Where clients reach the API, as ``https://host/prefix``; for addresses in what we publish.
    public_url: str = ""
    #: Fernet keys that seal secrets which must be read again, such as those that sign webhooks;
    #: the first one seals, all of them open. Without one no such secret is accepted.
    sealing_keys: tuple[str, ...] = field(default=(), repr=False)
    #: Whether webhooks may go to private, loopback and link-local addresses.
    webhooks_may_be_private: bool = False

    #: An EVM node's JSON-RPC, as ``https://host``; without it chain jobs wait.
    chain_rpc_url: str = field(default="", repr=False)
    #: Private keys that sign transactions, each 64 hexadecimal digits.
    chain_keys: tuple[str, ...] = field(default=(), repr=False)
    #: A keystore file (Web3 Secret Storage, version 3) with one more key, and its password.
    chain_keystore: str = ""
    chain_keystore_password: str = field(default="", repr=False)
    #: When a block counts: ``finalized``, ``safe`` or ``depth:N`` for N blocks on top of it.
    chain_finality: str = "finalized"
    #: How long the node may take to answer.
    chain_rpc_seconds: float = 10.0
    #: How often transactions on their way are looked after.
    chain_pass_seconds: float = 0.2
    #: After how long a transaction that is not mined is sent with a higher fee.
    chain_stuck_seconds: float = 60.0
    #: For how long the node may refuse a transaction before its nonce is used up otherwise.
    chain_give_up_seconds: float = 600.0
    #: The most that is paid for a unit of gas, in wei.
    chain_max_fee: int = 500_000_000_000
    #: Chain jobs that have not ended, beyond which no more are accepted.
    chain_queue_limit: int = 20_000

    #: The watchlist provider, as ``https://host``; without it screenings fail.
    watchlist_url: str = ""
    #: The key that it knows us by.
    watchlist_key: str = field(default="", repr=False)
    #: How long one subject may take, all tries together.
    watchlist_subject_seconds: float = 10.0
    #: How long one attempt at a run may ask; whom it did not get to is recorded as timed out.
    watchlist_run_seconds: float = 60.0
    #: Subjects of one run that are asked about at the same time.
    watchlist_concurrency: int = 16

    #: Payroll providers and banks, as ``https://host``; without it connections fail.
    accounts_url: str = ""
    #: How long one request to them may take.
    accounts_seconds: float = 10.0
    #: How often one client may call the income API: a number a second, minute, hour or day.
    income_rate: str = "1200/minute"
    #: How often one account may call the credentials API, likewise.
    credentials_rate: str = "1200/minute"

    #: What Prometheus sends as its bearer token to read `/metrics`; without one nobody can.
    metrics_token: str = field(default="", repr=False)
    #: A folder in which the processes of one API count together; gunicorn's configuration makes it.
    prometheus_multiproc_dir: str = ""

    #: Where spans are sent by OTLP over HTTP, as ``http://host:4318``; without it there are none.
    otel_exporter_otlp_endpoint: str = field(default="", repr=False)

    log_level: str = "INFO"
    #: Faults to cause on purpose, for tests: see `config.failpoints`.
    failpoints: str = ""

    @property
    def kept(self) -> Mapping[str, int]:
        """How long ended jobs can be read, by those types that do not have their own time."""
        pairs = (one.partition("=") for one in self.job_keep)
        return {name: int(seconds) for name, _, seconds in pairs}

    @classmethod
    def _faults(cls, values: Mapping[str, Any]) -> list[str]:
        faults = super()._faults(values)
        faults += [
            f"{name.upper()} does not start with {' or '.join(', '.join(schemes).rsplit(', ', 1))}"
            for name, schemes in _SCHEMES.items()
            if not values.get(name, schemes[0]).startswith(schemes)
        ]
        if values.get("worker_pool", "threads") not in {"threads", "solo"}:
            faults.append("WORKER_POOL is neither threads nor solo")
        lease = values.get("lease_seconds", cls.lease_seconds)
        if lease < 2 * values.get("renew_seconds", cls.renew_seconds):
            faults.append("LEASE_SECONDS must be at least twice RENEW_SECONDS")
        for name, pattern, complaint in _FORMS:
            given = values.get(name, getattr(cls, name))
            if not re.fullmatch(pattern, given if isinstance(given, str) else " ".join(given)):
                faults.append(f"{name.upper()} {complaint}")
        if not all(_is_sealing_key(key) for key in values.get("sealing_keys", ())):
            faults.append("SEALING_KEYS are not of 32 bytes in URL-safe Base64 each")
        if 0 < len(values.get("metrics_token", "")) < SHORTEST_TOKEN:
            faults.append(f"METRICS_TOKEN is shorter than {SHORTEST_TOKEN} characters")
        if values.get("watchlist_run_seconds", 0) > LONGEST_RUN_SECONDS:
            faults.append(f"WATCHLIST_RUN_SECONDS must be at most {LONGEST_RUN_SECONDS}")
        return faults


@dataclass(frozen=True, kw_only=True)
class WatchlistProviderSettings(_FromEnv):
    """Everything that the watchlist provider may know: nothing of the service."""

    #: A folder with `ofac/`, `un/` or both.
    lists_folder: str
    #: What callers send as `x-api-key`.
    watchlist_key: str = field(repr=False)
    #: Where it listens.
    watchlist_provider_host: str = "127.0.0.1"
    watchlist_provider_port: int = 8001
    log_level: str = "INFO"


@dataclass(frozen=True, kw_only=True)
class DevchainSettings(_FromEnv):
    """Everything that the development chain may know: nothing of the service."""

    #: The SQLite file that holds the chain; it is made where there is none.
    devchain_file: str
    #: Where it listens.
    devchain_host: str = "127.0.0.1"
    devchain_port: int = 8545
    #: What signatures name, so that a transaction fits no other chain.
    devchain_chain_id: int = 1337
    #: Private keys, each 64 hexadecimal digits, whose accounts begin with 1,000,000 ether.
    chain_keys: tuple[str, ...] = field(default=(), repr=False)
    #: How long after a transaction came in the block is made that takes it.
    block_seconds: float = 0.05
    #: Whether callers may reorganize the chain, give themselves money and the like, as tests do.
    devchain_controls: bool = False
    log_level: str = "INFO"

    @classmethod
    def _faults(cls, values: Mapping[str, Any]) -> list[str]:
        faults = super()._faults(values)
        if not all(
            re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", key) for key in values.get("chain_keys", ())
        ):
            faults.append("CHAIN_KEYS are not of 64 hexadecimal digits each")
        if values.get("devchain_chain_id", 1) >= 2**63:
            faults.append("DEVCHAIN_CHAIN_ID must be less than 2^63")
        return faults


@dataclass(frozen=True, kw_only=True)
class SandboxProviderSettings(_FromEnv):
    """Everything that the sandbox provider may know: nothing of the service."""

    #: Where it listens.
    sandbox_provider_host: str = "127.0.0.1"
    sandbox_provider_port: int = 8002
    #: A SQLite file that keeps its state; without one it ends with the process.
    sandbox_file: str = ""
    #: How long somebody stays signed in, and how long a code is good for.
    sandbox_session_seconds: float = 900.0
    sandbox_code_seconds: float = 900.0
    #: How long documents take that are made only once they are asked for.
    sandbox_slow_seconds: float = 5.0
    #: What tests send as `X-Control-Key` to add accounts and mishaps; without one they cannot.
    sandbox_control_key: str = field(default="", repr=False)
    log_level: str = "INFO"


#: What addresses begin with.
_SCHEMES = {
    "database_url": ("postgresql://",),
    "redis_url": ("redis://", "rediss://", "unix://"),
    "otel_exporter_otlp_endpoint": ("http://", "https://"),
}


def _is_sealing_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, altchars=b"-_", validate=True)) == 32  # noqa: PLR2004
    except ValueError:
        return False


def _words(raw: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[,\s]+", raw) if word)


def _truth(raw: str) -> bool:
    if raw.lower() not in {"true", "false"}:
        raise ValueError
    return raw.lower() == "true"


_READERS: dict[Any, type_reader] = {
    str: str,
    int: int,
    float: float,
    tuple[str, ...]: _words,
    bool: _truth,
}
_EXPECTED = {
    str: "text",
    int: "a whole number",
    float: "a number",
    tuple[str, ...]: "a list",
    bool: "true or false",
}
