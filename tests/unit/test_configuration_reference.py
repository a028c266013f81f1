"""docs/configuration.md tells every key, with its type and default, and nothing that is not there."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import msgspec
import pytest

from mipdns import config, enginekeys, zonefile
from tests.conftest import REPOSITORY

REFERENCE = (REPOSITORY / "docs" / "configuration.md").read_text("utf-8")

TABLES: dict[str, Any] = {
    "`[store]`": config.Store,
    "`[serve]`": config.Serve,
    "`[load]`": config.Load,
    "`[run]`": config.Run,
    "`[engine.spark]`": enginekeys.Spark,
    "`[engine.clickhouse]`": enginekeys.ClickHouse,
    "`[[source]]`": config._Source,
    "the zone": zonefile._File,
    "`[soa]`": zonefile._Soa,
    "`[[nameserver]]`": zonefile._NameServer,
} | {f"kind `{kind.__struct_config__.tag}`": kind for kind in config.Source.__args__}
"""Heading → the struct that its table describes. A kind's table leaves out what `[[source]]` tells of every kind."""

OF_CONFIGURATION, OF_ZONES = REFERENCE.split("\n## Zone files\n")


def examples(text: str) -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Key(msgspec.Struct, frozen=True):
    """One row of the reference: how the key is told there."""

    type: str
    default: str
    meaning: str


def told(heading: str) -> dict[str, Key]:
    """The keys of the first table under a heading."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", REFERENCE, re.MULTILINE | re.DOTALL)
    assert found, f"no heading {heading}"
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+) \|$", found[1], re.MULTILINE)
    return {key: Key(type_, default, meaning) for key, type_, default, meaning in rows}


def type_in_words(kind: msgspec.inspect.Type) -> str:
    match kind:
        case msgspec.inspect.StrType() | msgspec.inspect.LiteralType():
            return "string"
        case msgspec.inspect.IntType():
            return "integer"
        case msgspec.inspect.FloatType():
            return "number"
        case msgspec.inspect.BoolType():
            return "boolean"
        case msgspec.inspect.DateType():
            return "date"
        case msgspec.inspect.DictType():
            return "table"
        case msgspec.inspect.VarTupleType():
            return f"array of {type_in_words(kind.item_type)}s"
        case msgspec.inspect.UnionType():
            return " or ".join(
                type_in_words(one) for one in kind.types if not isinstance(one, msgspec.inspect.NoneType)
            )
        case _:
            raise AssertionError(f"no word for {kind}")


def default_in_words(field: msgspec.inspect.Field) -> Any:
    """The default as TOML would give it; `required` and `absent` for what TOML cannot say."""
    if field.required:
        return "required"
    default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if default is None:
        return "absent"
    return list(default) if isinstance(default, tuple) else default


def read_default(text: str) -> Any:
    return tomllib.loads(f"x = {text.strip('`')}")["x"] if text.startswith("`") else text


def all_fields(struct: type[msgspec.Struct]) -> dict[str, msgspec.inspect.Field]:
    described = msgspec.inspect.type_info(struct)
    assert isinstance(described, msgspec.inspect.StructType)
    return {field.encode_name: field for field in described.fields}


def fields_of(struct: type[msgspec.Struct]) -> dict[str, msgspec.inspect.Field]:
    """The fields that the struct's own table tells."""
    fields = all_fields(struct)
    if struct is zonefile._File:
        return {name: field for name, field in fields.items() if name not in ("soa", "nameserver")}
    if issubclass(struct, config._Source) and struct is not config._Source:
        return {name: field for name, field in fields.items() if name not in all_fields(config._Source)}
    return fields


@pytest.mark.parametrize("heading", TABLES)
def test_every_key_is_told_with_its_type_and_default(heading):
    rows = told(heading)
    fields = fields_of(TABLES[heading])
    expected = {name: (type_in_words(field.type), default_in_words(field)) for name, field in fields.items()}
    if heading == "`[[source]]`":
        expected = {"kind": ("string", "required")} | expected
    assert {name: (row.type, read_default(row.default)) for name, row in rows.items()} == expected


@pytest.mark.parametrize("heading", TABLES)
def test_every_word_that_a_key_admits_is_told(heading):
    rows = told(heading)
    for name, field in fields_of(TABLES[heading]).items():
        kinds = [field.type, getattr(field.type, "key_type", None)]
        words = [word for kind in kinds if isinstance(kind, msgspec.inspect.LiteralType) for word in kind.values]
        assert [word for word in words if f"`{word}`" not in rows[name].meaning] == []


@pytest.mark.parametrize(("file", "text"), [(config.Config, OF_CONFIGURATION), (zonefile._File, OF_ZONES)])
def test_every_table_of_the_files_is_told(file, text):
    tables = {
        name
        for name, field in all_fields(file).items()
        if isinstance(field.type, msgspec.inspect.StructType | msgspec.inspect.VarTupleType) and name != "lists"
    }
    assert set(re.findall(r"^### `\[+(\w+)\]+`$", text, re.MULTILINE)) == tables


@pytest.mark.parametrize("example", examples(OF_CONFIGURATION))
def test_every_configuration_is_taken(example, tmp_path):
    file = tmp_path / "mipdns.toml"
    file.write_text(example)
    config.read_config(file)


@pytest.mark.parametrize("example", examples(OF_ZONES))
def test_every_zone_file_is_taken(example, tmp_path):
    file = tmp_path / "zone.toml"
    file.write_text(example)
    zonefile.read_zone(file)
