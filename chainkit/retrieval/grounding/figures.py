"""The figures in a text: numbers with their units, dates, times of day and weekdays, in forms that can be compared.

"1.290 €" and "1,290 euros" are the same figure, "3. März" and "March 3rd" too; "9 days" and "9 hours" are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from chainkit.retrieval.analysis import folded


@dataclass(frozen=True, slots=True)
class Figure:
    """What a figure may mean (most mean one thing), and its unit where it has a known one."""

    values: frozenset[str]
    unit: str | None = None

    def is_in(self, others: Sequence[Figure]) -> bool:
        """Whether one of the others is the same figure."""
        return any(
            self.values & o.values and (self.unit == o.unit or self.unit is None or o.unit is None) for o in others
        )


_UNITS = {
    name: unit
    for unit, names in {
        "euro": "€ eur euro euros", "dollar": "$ usd dollar dollars", "pound": "£ gbp", "franc": "chf franken",
        "cent": "cent cents ct", "percent": "% percent prozent", "year": "year years jahr jahre jahren",
        "month": "month months monat monate monaten", "week": "week weeks woche wochen",
        "day": "day days tag tage tagen", "hour": "hour hours h stunde stunden std", "minute": "minute minutes min minuten",
        "second": "second seconds sec sekunde sekunden", "km": "km kilometer kilometers kilometre kilometres kilometern",
        "m": "m meter meters metre metres metern", "cm": "cm zentimeter centimeter centimeters centimetres", "mm": "mm millimeter",
        "kg": "kg kilo kilogramm kilogram kilograms", "g": "g gramm gram grams", "l": "l liter liters litre litres litern",
        "kw": "kw kilowatt", "kwh": "kwh", "w": "w watt", "v": "v volt", "bar": "bar", "degree": "° °c grad degrees",
        "kb": "kb", "mb": "mb megabyte megabytes", "gb": "gb gigabyte gigabytes", "tb": "tb terabyte",
        "am": "am a.m", "pm": "pm p.m", "clock": "uhr o'clock",
    }.items()
    for name in names.split()
}  # fmt: skip
_ENDINGS = {"tage": "day", "tagen": "day", "stunden": "hour", "wochen": "week", "monate": "month", "monaten": "month"}
_SCALES = {
    "thousand": 3, "tausend": 3, "tsd": 3, "million": 6, "millions": 6, "millionen": 6, "mio": 6, "mn": 6,
    "billion": 9, "billions": 9, "bn": 9, "milliarde": 9, "milliarden": 9, "mrd": 9,
}  # fmt: skip
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january januar jan jänner", "february februar feb", "march märz mar mär", "april apr", "may mai", "june juni jun",
         "july juli jul", "august aug", "september sept sep", "october oktober oct okt", "november nov",
         "december dezember dec dez"), 1)
    for name in names.split()
}  # fmt: skip
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        ("monday montag", "tuesday dienstag", "wednesday mittwoch", "thursday donnerstag", "friday freitag",
         "saturday samstag sonnabend", "sunday sonntag"))
    for name in names.split()
}  # fmt: skip
_SMALL = (
    "two zwei|three drei|four vier|five fünf|six sechs|seven sieben|eight acht|nine neun|ten zehn|eleven elf|twelve zwölf|"
    "thirteen dreizehn|fourteen vierzehn|fifteen fünfzehn|sixteen sechzehn|seventeen siebzehn|eighteen achtzehn|"
    "nineteen neunzehn|twenty zwanzig"
)
_WRITTEN = {word: n for n, both in enumerate(_SMALL.split("|"), 2) for word in both.split()} | {
    "thirty": 30, "dreißig": 30, "forty": 40, "vierzig": 40, "fifty": 50, "fünfzig": 50, "sixty": 60, "sechzig": 60,
    "seventy": 70, "siebzig": 70, "eighty": 80, "achtzig": 80, "ninety": 90, "neunzig": 90,
}  # fmt: skip
_ONE = frozenset("one ein eine einen einem einer eins".split())
_NAMES = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?:,?\s+(?P<year>\d{4}))?(?!\d)"
_DATES = (
    re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?!\d)"),
    re.compile(r"(?<![\d.])(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.(?:\s?(?P<year>\d{4}))?(?![\d.]?\d)"),
    re.compile(r"(?<!\d)(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})(?!\d)"),
    re.compile(
        rf"(?<!\d)(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th)?\s+(?:of\s+)?(?P<name>{_NAMES})\b\.?{_YEAR}", re.IGNORECASE
    ),
    re.compile(rf"\b(?P<name>{_NAMES})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\d.,:]*\d){_YEAR}", re.IGNORECASE),
)
_MONTH = re.compile(rf"\b(?!(?:may|mar|jan|jun|sep|dec)\b)(?P<name>{_NAMES})\b|(?<=\bin )May\b", re.IGNORECASE)
_TIME = re.compile(r"(?<![\d.,:])(\d{1,2}):(\d{2})(?![\d:])|(?<![\d.,:])(\d{1,2})\.(\d{2})(?=\s*Uhr\b)")
_NUMBER = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?![\d.,]\d|\d)|\d+(?:[.,'’:/]\d+)*)")
_WORD = re.compile(r"[^\W\d_]+")
_AFTER = re.compile(r"[ \u00a0\u202f-]?\s?(%|€|\$|£|°C?|[ap]\.m|o'clock|[^\W\d_]+)")
_BEFORE = re.compile(r"(€|\$|£|EUR|USD|CHF|GBP)\s?$")
_CODE = re.compile(r"[^\W_]+(?:[-/][^\W_]+)*")
_SUFFIXED = re.compile(r"\d+(?:[.,]\d+)?(?P<unit>[^\W\d_]+)")
_THOUSANDS = {"de": ".", "en": ","}
_MOST_DIGITS = 40


def figures(text: str, language: str | None = None, *, source: bool = False) -> list[Figure]:
    """The figures of a text. `source`: in it "one" and "ein" count as figures too, for others to be found in them."""
    found: list[Figure] = []
    for take in (_dates, _times, _months):
        taken, text = take(text)
        found += taken
    found += _numbers(text, language)
    words = [(m.group().lower(), m) for m in _WORD.finditer(text)]
    for word, match in words:
        day = _WEEKDAYS.get(word) if word in _WEEKDAYS else _WEEKDAYS.get(word.removesuffix("s"))
        if day is not None:
            found.append(Figure(frozenset({f"w:{day}"})))
        number = 1 if source and word in _ONE else _WRITTEN.get(word)
        if number is not None:
            found.append(Figure(frozenset({f"n:{number}"}), _unit(text, match.end())))
    return found


def codes(text: str) -> list[str]:
    """Names made of letters and figures, such as a product's number: folded, without hyphens."""
    every = (m.group() for m in _CODE.finditer(text))
    found = (c for c in every if any(s.isdigit() for s in c) and any(s.isalpha() for s in c))
    return [plain_code(c) for c in found if not (s := _SUFFIXED.fullmatch(c)) or s["unit"].lower() not in _SUFFIXES]


def is_measure(word: str) -> bool:
    """Whether a word is a unit, a month or a weekday: they are compared as figures, in any language."""
    return word.lower() in _UNITS or word.lower() in _MONTHS or word.lower() in _WEEKDAYS


def plain_code(code: str) -> str:
    """A name of letters and figures as it is compared."""
    return folded(code.lower()).replace("-", "").replace("/", "")


_SUFFIXES = frozenset(_UNITS) | frozenset("st nd rd th er s x".split())


def _dates(text: str) -> tuple[list[Figure], str]:
    found: list[Figure] = []
    for pattern in _DATES:
        for match in list(pattern.finditer(text)):
            held = match.groupdict()
            month = _MONTHS[held["name"].lower()] if "name" in held else int(held["month"])
            day = int(held["day"])
            ways = [(month, day), (day, month)] if "/" in match.group() else [(month, day)]
            values = {v for m, d in ways if 1 <= m <= 12 and 1 <= d <= 31 for v in (f"md:{m}-{d}", f"m:{m}")}
            if not values:
                continue
            found.append(Figure(frozenset(v for v in values if v[1] == "d"), "date"))
            found.append(Figure(frozenset(v for v in values if v[1] == ":")))
            if held["year"]:
                found.append(Figure(frozenset({f"n:{int(held['year'])}"})))
            text = _blanked(text, match)
    return found, text


def _months(text: str) -> tuple[list[Figure], str]:
    found: list[Figure] = []
    for match in list(_MONTH.finditer(text)):
        name = (match.group("name") or "may").lower()
        found.append(Figure(frozenset({f"m:{_MONTHS[name]}"})))
        text = _blanked(text, match)
    return found, text


def _times(text: str) -> tuple[list[Figure], str]:
    found: list[Figure] = []
    for match in list(_TIME.finditer(text)):
        hour, minute = int(match.group(1) or match.group(3)), int(match.group(2) or match.group(4))
        if hour > 24 or minute > 59:
            continue
        found.append(_clock(hour, minute, _unit(text, match.end())))
        text = _blanked(text, match)
    return found, text


def _clock(hour: int, minute: int, unit: str | None) -> Figure:
    values = {hour * 60 + minute}
    if unit == "pm" and hour < 12:
        values.add(hour * 60 + minute + 720)
    return Figure(frozenset(f"t:{v}" for v in values), unit if unit in ("am", "pm") else None)


def _blanked(text: str, match: re.Match[str]) -> str:
    return text[: match.start()] + " " * (match.end() - match.start()) + text[match.end() :]


def _numbers(text: str, language: str | None) -> Iterator[Figure]:
    for match in _NUMBER.finditer(text):
        raw, before = match.group(), text[max(0, match.start() - 6) : match.start()]
        following = text[match.end() : match.end() + 1]
        if before[-1:] in ("-", "/") and before[-2:-1].isalpha():
            continue  # the end of a name: "CX-210"
        if len(raw) > _MOST_DIGITS:
            yield Figure(frozenset({f"raw:{raw}"}))
            continue
        unit, scale = _unit(text, match.end()), _scale(text, match.end())
        if following.isalpha() and unit is None and not scale and not _ordinal(text, match.end()):
            continue  # the start of a name: "4wd"
        currency = _BEFORE.search(before)
        unit = _UNITS[currency.group(1).lower()] if currency else unit
        negative = before[-1:] in ("-", "−") and not before[-2:-1].strip(" (")
        numbers = [(-n if negative else n).scaleb(scale) for n in _meanings(raw, language)]
        values = {f"n:{_spelled(n)}" for n in numbers} or {f"raw:{raw}"}
        if unit in ("am", "pm", "clock") and raw.isdigit() and int(raw) <= 24:
            yield Figure(
                values=frozenset(values) | _clock(int(raw), 0, unit).values, unit=None if unit == "clock" else unit
            )
        else:
            yield Figure(frozenset(values), unit)


def _ordinal(text: str, at: int) -> bool:
    return re.match(r"(?:st|nd|rd|th|er|s|x)\b", text[at : at + 4]) is not None


def _meanings(raw: str, language: str | None) -> list[Decimal]:
    """What a number may mean: "1.290" is 1290 in German, and 1.29 or 1290 in English."""
    plain = re.sub(r"[ \u00a0\u202f'’]", "", raw)
    points, commas = plain.count("."), plain.count(",")
    try:
        if ":" in plain or "/" in plain:
            return []
        if points and commas:
            last = max(plain.rfind("."), plain.rfind(","))
            return [Decimal(re.sub(r"[.,]", "", plain[:last]) + "." + plain[last + 1 :])]
        if points + commas == 0:
            return [Decimal(plain)]
        whole = re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", plain) is not None
        together = Decimal(re.sub(r"[.,]", "", plain))
        if points + commas > 1:
            return [together] if whole else []
        decimal = Decimal(plain.replace(",", "."))
        if not whole:
            return [decimal]
        return [together] if _THOUSANDS.get(language or "", "-") in plain else [decimal, together]
    except InvalidOperation:
        return []


def _spelled(number: Decimal) -> str:
    plain = format(number.normalize(), "f")
    return "0" if plain in ("-0", "") else plain


def _following(text: str, at: int) -> str:
    match = _AFTER.match(text, at)
    return match.group(1).lower() if match else ""


def _unit(text: str, at: int) -> str | None:
    word = _following(text, at)
    if word in _SCALES:
        inner = _AFTER.match(text, at)
        return _unit(text, inner.end()) if inner else None
    if word in _UNITS:
        return _UNITS[word]
    return next((unit for end, unit in _ENDINGS.items() if word.endswith(end)), None)


def _scale(text: str, at: int) -> int:
    return _SCALES.get(_following(text, at), 0)
