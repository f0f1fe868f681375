"""The database handle, the declarative base and the column types every table shares."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, mapped_column


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An aware UTC datetime: ``timestamptz`` on Postgres, naive UTC text on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored; use an aware one")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table, with names for constraints so that migrations can find them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy as a class attribute
        datetime: UtcDateTime(),
        dict[str, Any]: sa.JSON(none_as_null=True),
        list[Any]: sa.JSON(none_as_null=True),
    }


def encode_json(value: object) -> str:
    """JSON text for a JSON column."""
    return msgspec.json.encode(value).decode()


db = SQLAlchemy(
    metadata=Base.metadata,
    engine_options={"json_serializer": encode_json, "json_deserializer": msgspec.json.decode},
    session_options={"expire_on_commit": False},
)

# Sorted and compared byte by byte on both databases, so that an order means the same on each.
KeyText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

IntPk = Annotated[int, mapped_column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)]
BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def table_of(model: type[Base]) -> sa.Table:
    """The table behind ``model``, for set-based statements."""
    table = model.__table__
    assert isinstance(table, sa.Table)  # noqa: S101 - a declarative class without inheritance has a plain table
    return table


def one_of(column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    """A check that ``column`` holds one of ``values``."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def utcnow() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)
