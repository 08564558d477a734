"""The pages of settings and of ``sentinel.toml``, and the two example files."""

import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, SecretStr
from reference_tables import MADE, code, codes, head, is_union, plain, table

from crypto_signals.config import Settings, values
from crypto_signals.config.strategies import DetectorSettings, MessageSettings
from crypto_signals.domain.strategy import Strategy

GROUPS = {
    "sentinel_home": "State and surroundings",
    "crypto_symbols": "What is looked at",
    "bars_url": "Bars, and Alpaca",
    "test_mode": "Discord, by webhooks",
    "discord_bot_token": "Discord, by a bot",
    "settle_seconds": "Runs and delivery",
    "store_url": "What is kept, and how long",
    "log_level": "Watching",
    "cooldown_scope": "Defaults of strategies",
}
"""The setting with which a group begins."""
KINDS: dict[Any, str] = {
    values.Symbols: "symbols, with commas, or `*`",
    values.BarsUrl: "`alpaca`, or `file:PATH,…`",
    values.AlpacaUrl: "an https address of Alpaca",
    values.SecretUrl: "an https address",
    values.Gateway: "an http or https address",
    values.Webhook: "a webhook's address",
    values.Key: "a word",
    values.Project: "a project's id",
    values.ChannelId: "a channel's id",
    values.DiscordApi: "an https address that ends with `/api/v10`",
    values.WarehouseUrl: "`duckdb:///PATH`, `bigquery://PROJECT/DATASET`",
    values.StoreUrl: "`sqlite:///PATH`, `postgresql://…`, `firestore://PROJECT`",
    values.Bind: "`HOST:PORT`",
}
EXAMPLES = {
    "sentinel_now": "2018-12-20T00:05:00Z",
    "google_cloud_project": "my-project-1",
    "crypto_symbols": "BTC/USD,ETH/USD,LTC/USD",
    "equity_symbols": "SPY,TSLA",
    "alpaca_trading_url": "https://paper-api.alpaca.markets",
    "rate_limit_delay": "0.3",
    "discord_channel_id_test": "123456789012345678",
    "discord_channel_id_crypto": "123456789012345678",
    "discord_channel_id_stock": "123456789012345678",
    "store_url": "postgresql://sentinel:PASSWORD@localhost/sentinel",
    "warehouse_url": "bigquery://my-project-1/sentinel",
    "evidence_file": "evidence.parquet",
    "log_level": "INFO",
    "metrics_pushgateway_url": "http://127.0.0.1:9091",
    "metrics_textfile": "/var/lib/node_exporter/sentinel.prom",
    "deadman_url": "https://hc-ping.com/ID",
}
"""What stands in the example file where there is no default."""
OF_STRATEGIES: dict[str, Any] = {
    "symbols": ["BTC/USD", "ETH/USD"],
    "triggers": ["bull_flag", "double_bottom", "engulfing_bullish"],
    "min_mean_r_lo": 0.0,
    "risk_per_trade": 50.0,
}
TABLES: dict[str, type[BaseModel]] = {
    "strategies.default": Strategy,
    "detectors": DetectorSettings,
    "messages": MessageSettings,
}


def settings() -> Iterator[str]:
    yield from head(
        "Settings",
        "Environment > [Google Secret Manager](../how-to/secret-manager.md) > `.env` > defaults. A variable"
        " that is empty is not set. `sentinel config` says what each one is and where it came from. A bad"
        " value is an error, and all of them are listed at once. Strategies stand in"
        " [`sentinel.toml`](sentinel-toml.md). The file `.env.example` has them all.",
    )
    kinds = get_type_hints(Settings, include_extras=True)
    for title, names in _groups():
        yield f"## {title}\n"
        rows = [_setting(name, kinds[name]) for name in names]
        yield from table(("setting", "what it is", "values", "default"), rows)


def _groups() -> Iterator[tuple[str, list[str]]]:
    names = list(Settings.model_fields)
    starts = [*map(names.index, GROUPS), len(names)]
    for title, start, end in zip(GROUPS.values(), starts[:-1], starts[1:], strict=True):
        yield title, names[start:end]


def _setting(name: str, kind: Any) -> tuple[str, ...]:
    field = Settings.model_fields[name]
    secret = "secret: " if _is_secret(kind) else ""
    return (
        f"`{name.upper()}`",
        str(field.description),
        f"{secret}{_kind(kind, field.metadata)}",
        _default(field),
    )


def _is_secret(kind: Any) -> bool:
    return SecretStr in _parts(kind)


def _parts(kind: Any) -> Iterator[Any]:
    yield kind
    for part in get_args(kind):
        yield from _parts(part)


def _kind(kind: Any, metadata: Iterable[Any] = ()) -> str:
    """What a value may be, in words."""
    if kind in KINDS or get_origin(kind) is tuple:
        return KINDS.get(kind, "a list")
    if is_union(kind):
        return _kind(next(part for part in get_args(kind) if part is not NoneType))
    if choices := get_args(kind) if get_origin(kind) is Literal else _members(kind):
        return codes(choices)
    if hasattr(kind, "__metadata__"):
        inner, *more = get_args(kind)
        return _kind(inner, [*_limits(more), *metadata])
    words = {bool: "`true`, `false`", int: "a whole number", float: "a number", Path: "a path", str: "text"}
    return words.get(kind, "a time, as in 2018-12-20T00:05:00Z") + _range(metadata)


def _members(kind: Any) -> tuple[str, ...]:
    is_enum = isinstance(kind, type) and issubclass(kind, StrEnum)
    return tuple(member.value for member in kind) if is_enum else ()


def _limits(metadata: Iterable[Any]) -> Iterator[Any]:
    for part in metadata:
        yield from getattr(part, "metadata", [part])


def _range(metadata: Iterable[Any]) -> str:
    low = [(m, getattr(m, "ge", None), getattr(m, "gt", None)) for m in metadata if isinstance(m, Ge | Gt)]
    high = [m.le for m in metadata if isinstance(m, Le)]
    words = [f"{least:,.10g}" if over is None else f"above {over:,.10g}" for _, least, over in low]
    if high:
        return f", {words[0]} to {high[0]:,.10g}" if words else f", up to {high[0]:,.10g}"
    return f", {words[0]}{' or more' if low[0][1] is not None else ''}" if words else ""


def _default(field: Any) -> str:
    return "" if field.default in (None, ()) else code(plain(field.default))


def strategies() -> Iterator[str]:
    yield from head(
        "sentinel.toml",
        "What is looked for, and what is told. Whatever is left out keeps its default; an unknown key is an"
        " error that names the nearest known one. `SENTINEL_CONFIG` names another file. The whole with all"
        " defaults is `sentinel.example.toml`. There may be several strategies, each a table"
        " `[strategies.NAME]`.",
    )
    for name, model in TABLES.items():
        yield from _toml_table(name.replace("default", "NAME"), model)


def _toml_table(path: str, model: type[BaseModel], base: BaseModel | None = None) -> Iterator[str]:
    """The keys of a table, then the tables in it."""
    kinds = get_type_hints(model, include_extras=True)
    inner = {name: field.default for name, field in model.model_fields.items() if _is_model(field.default)}
    rows = []
    for name, field in model.model_fields.items():
        if name in inner or (model is Strategy and name == "name"):
            continue
        default = field.default if base is None else getattr(base, name)
        rows.append((f"`{name}`", str(field.description), _kind(kinds[name], field.metadata), _toml(default)))
    yield f"## [{path}]\n"
    yield from table(("key", "what it is", "values", "default"), rows)
    for name, default in inner.items():
        yield from _toml_table(f"{path}.{name}", type(default), default)


def _is_model(value: object) -> bool:
    return isinstance(value, BaseModel)


def _toml(value: Any) -> str:
    return "" if value in (None, ()) else code(_toml_value(value))


def _toml_value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(str(value))
    return repr(value) if isinstance(value, float) else plain(value)


def env_example() -> Iterator[str]:
    yield "# The settings of Crypto Sentinel. Copy this to .env, and take away the # before what you set:"
    yield "# it shows the default, or an example where there is none. Keep .env to yourself: what it holds"
    yield "# opens your channels."
    yield f"# {MADE}"
    kinds = get_type_hints(Settings, include_extras=True)
    for title, names in _groups():
        yield f"\n# == {title}"
        for name in names:
            yield f"\n# {Settings.model_fields[name].description}"
            yield f"#{name.upper()}={_shown(name, kinds[name])}"


def _shown(name: str, kind: Any) -> str:
    default = Settings.model_fields[name].default
    if default is not None:
        return plain(default)
    webhook = "https://discord.com/api/webhooks/ID/TOKEN"
    return EXAMPLES.get(name) or (webhook if values.Webhook in _parts(kind) else "SECRET")


def toml_example() -> Iterator[str]:
    yield "# What is looked for, and what is told. Copy this to sentinel.toml, and take away the # before"
    yield "# what you set: it shows the default, or an example where there is none."
    yield f"# {MADE}"
    for name, model in TABLES.items():
        yield from _toml_lines(name, model())


def _toml_lines(table: str, model: BaseModel) -> Iterator[str]:
    inner = {}
    yield f"\n[{table}]"
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if _is_model(value):
            inner[name] = value
        elif not (isinstance(model, Strategy) and name == "name"):
            shown = OF_STRATEGIES.get(name, value)
            yield f"# {field.description}"
            yield f"#{name} = {_toml_value(shown)}"
    for name, value in inner.items():
        yield from _toml_lines(f"{table}.{name}", value)
