"""Types that the tests of structured output share."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from dataclasses import dataclass, field
from typing import Annotated, Generic, Literal, NotRequired, TypedDict, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

T = TypeVar("T")


class Author(BaseModel):
    name: str
    born: int | None = None


class Book(BaseModel):
    """A book, as a library knows it."""

    title: str
    year: int = Field(description="year of the first print", ge=0, le=2100)
    authors: list[Author] = []


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: str | None = None


class Node(BaseModel):
    value: int
    children: list[Node] = []


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str]


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


class Owner(BaseModel):
    pet: Pet
    color: Color = Field(Color.RED, description="of the collar")


class Receipt(BaseModel):
    id: uuid.UUID
    at: datetime.datetime
    day: datetime.date
    total: decimal.Decimal
    took: datetime.timedelta


class Aliased(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from")
    to: str = Field(validation_alias="destination")


class Even(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def is_even(cls, number: int) -> int:
        if number % 2:
            raise ValueError("must be even")
        return number


@dataclass
class Point:
    x: float
    y: float = 0.0
    labels: list[str] = field(default_factory=list[str])


class Trip(TypedDict):
    city: str
    days: NotRequired[int]


class Chapter(TypedDict):
    title: str
    parts: NotRequired[list[Chapter]]
