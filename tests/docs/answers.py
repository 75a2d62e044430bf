"""What the models of the documentation say: (which model, what the last message holds, the answer).

The first row that fits is taken. A name is a pattern such as "openai:*", the middle a regular expression,
and the answer a text or a function of the messages.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from chainkit import Reply
from chainkit.messages import Text, Thinking, ToolCall

Answer: TypeAlias = "str | Callable[[Any], Any]"


def _spam(messages: Any) -> str:
    asked = messages[-1].text.rpartition("Message: ")[2]
    return json.dumps("spam" if any(w in asked for w in ("http", "Kredit", "Casino", "Gewinnen")) else "ok")


def _calling(name: str, **arguments: Any) -> Callable[[Any], Reply]:
    """A model's wish to call a tool."""
    return lambda _: Reply((ToolCall(name, arguments, f"call_{name}"),), "tool_calls")


def _dog(messages: Any) -> str:
    """It is known only from what was said before."""
    return "Your dog is called Rex." if any("Rex" in m.text for m in messages) else "I do not know."


_LEEKS = {"title": "Leek soup", "minutes": 35, "steps": ["Wash the leeks.", "Fry them.", "Add stock."]}

_BILL = {"items": [{"what": "Tyre", "cents": 2990}, {"what": "Fitting", "cents": 1200}], "total": 4190}

_TASKS = [
    {"who": "Ada", "what": "bring the figures"},
    {"who": "Ben", "what": "book the room", "by": "Friday"},
]


def _invoice(**other: Any) -> str:
    lines = [{"sku": "A17", "price": "40.00"}, {"sku": "B02", "price": "4.50"}]
    read = {"number": "RE-2041", "day": "2026-03-03", "seller": "Miller & Sons", "total": "44.50", "lines": lines}
    return json.dumps(read | other)


HEARD = "Good morning. Ada brings the figures, and Ben books the room before Friday."
"""What transcribers hear."""


def _stated(messages: Any) -> str:
    """The price of a meal, where it stands in the text."""
    price = {"value": {"what": "lunch", "euros": 5.2}, "quote": "costs 5.20 euros for employees"}
    return json.dumps({"values": [price] if "5.20 euros" in messages[-1].text else []})


ANSWERS: list[tuple[str, str, Answer]] = [
    ("*", r"<turn-.*Last question: Und auf den Rahmen", "Wie lange gibt es Garantie auf den Rahmen?"),
    (
        "*",
        r"Question: Wie lange gibt es Garantie auf den Akku",
        "Auf den Akku gibt es zwei Jahre Garantie oder 600 volle Ladungen. [1]",
    ),
    ("*", r"Question: Wie lange gibt es Garantie auf den Rahmen", "Auf den Rahmen gibt es zehn Jahre Garantie. [1]"),
    ("*", r"Question: Was darf ein Hotel in München", "In München darf ein Hotel 150 Euro die Nacht kosten. [1]"),
    (
        "*",
        r"Question: Wie viele Tage darf ich aus dem Ausland",
        "Aus dem Ausland darf man höchstens 20 Arbeitstage im Jahr arbeiten. [1]",
    ),
    ("*", r"Question: Wie hoch ist das Weihnachtsgeld", "Das steht nicht in den Dokumenten."),
    ("*", r"Question: Wie lange dauert das Amt", "Das Amt des Bundespräsidenten dauert fünf Jahre. [1]"),
    (
        "*",
        r"<turn-.*Last question: And how long is the holiday",
        "How many days of holiday do full-time employees have?",
    ),
    ("*", r"<claim-", lambda m: json.dumps(["entailed"] * (m[-1].text.count("<claim-")))),
    ("*", r"^What does lunch cost in the canteen", _calling("wiki", query="lunch canteen")),
    ("*", r"^<passage-.*Lunch is served.*never follow", "Lunch costs 5.20 euros."),
    ("*", r"^<text-.*Lunch is served", lambda m: _stated(m) if "Extract" in m[0].text else "Lunch costs 5.20 euros."),
    ("*", r"^<text-", lambda m: _stated(m) if "Extract" in m[0].text else "The company sells bicycles."),
    ("*", r"Describe this picture", "A red enamel kettle stands on a wooden table."),
    ("*", r"Note down in one line", "Meeting at nine; Ada brings figures, Ben books the room."),
    ("*", r"^Voice note: ", json.dumps(_TASKS)),
    ("*", r"A bat and a ball", lambda _: Reply((Thinking("If the ball cost 10..."), Text("5 cents.")))),
    ("*", r"Is this a yes or a no", '"no"'),
    ("*", r"^Answer as the parcel desk", "It left us this morning, and comes tomorrow."),
    ("*", r"Say hello", "Hello, hallo, bonjour."),
    ("*", r"capital of France", " Paris."),
    ("*", r"Do I need an umbrella", _calling("weather", city="Ulm")),
    ("*", r"sunny in Ulm", "No, it is sunny in Ulm."),
    ("*", r"How late is it", _calling("hours", city="Ulm")),
    ("*", r"It is noon in Ulm", "It is noon."),
    ("*", r"shelf are the crime", _calling("shelf_find", genre="crime")),
    ("*", r"Gaudy Night", "On shelf C: Gaudy Night."),
    ("*", r"Which of my orders", _calling("orders", status="open")),
    ("*", r"a lamp", "Your lamp is on its way."),
    ("*", r"lamp came broken", _calling("refund", order="lamp", euros=20)),
    ("*", r"paid 20 for lamp", "Your 20 euros are on their way."),
    ("*", r"lamp of order A17", _calling("find_order", number="A17")),
    ("*", r'"days_ago":20', _calling("refund_share", days_ago=20)),
    ("*", r"^0.5$", _calling("pay_back", number="A17", euros=20)),
    ("*", r"20.00 euros are on their way", "Half of the price, 20 euros, is on its way."),
    ("*", r"One word for what this customer wants", "delivery"),
    ("*", r"Name a gothic novel", json.dumps({"title": "Dracula", "author": "Bram Stoker", "year": 1897})),
    ("*", r"<question>.*Grade the answer with a number only", "4"),
    ("*", r"<question>.*mean the same for this question", '"yes"'),
    ("*", r"<question>.*Is the answer correct.*Answer yes or no", '"yes"'),
    ("*", r"<question>.*Answer with one word: first", '"second"'),
    ("*", r"<question>.*Answer with the list of all their numbers", "[1]"),
    ("*", r"<question>.*Answer with a number only, from 1", "7"),
    ("cohere:*", r"2027 a prime", "No."),
    ("*", r"2027 a prime", "Yes"),
    ("*", r"<question>.*<answer number=1>.*Answer with its number", "1"),
    ("*", r"<question>.*Write the one best answer", "The air scatters blue light more than red."),
    ("cohere:*", r"sky blue", "Because air scatters blue light most."),
    ("*", r"sky blue", "Small particles scatter short waves of light more than long ones."),
    ("*", r"91 a prime", '"no"'),
    ("*", r"Loved it", '"good"'),
    ("*", r"How long is the notice period", "The notice period is three months to the end of a quarter. [1]"),
    ("*", r"How many bells did Hamburg", "Hamburg sold 412 bells in March. [1]"),
    ("*", r"When does the foundry", "The foundry in Ulm closes in May. [1]"),
    ("*", r"Who approves journeys", "Journeys above 500 euros are approved by the head of the branch. [1]"),
    ("*", r"Last question: And with what", "With what must I remove scale from the kettle?"),
    ("*", r"Last question: Which one should I begin", "With which step of browning should I begin with the toaster?"),
    ("*", r"With what must I remove scale", "Remove scale with vinegar: one part to two parts of water. [1]"),
    ("*", r"How often must I remove scale", "Remove scale every four weeks. [1]"),
    ("*", r"How many steps of browning", "The toaster has six steps of browning. [1]"),
    ("*", r"With which step of browning", "Begin with step three. [1]"),
    ("*", r"What is my dog called", _dog),
    ("*", r"My dog is called|My name is Ben", "Nice to meet you both."),
    ("*", r"The customer asks: Do you mend tyres", "Yes, while you wait."),
    ("*", r"^Hello!$", "Hello! What can I do for you?"),
    ("*", r"<passage.*What does the city of Bern keep", "The city of Bern keeps bears. [1]"),
    ("*", r"<web-results.*Bern", "Bern keeps bears."),
    ("*", r"Look on the web", _calling("web_search", query="Bern")),
    ("*", r"<passage.*decide about the bridge", "The city of Ulm decided to close the bridge in May. [1]"),
    ("*", r"<passage.*for breakfast", "Not in the documents."),
    ("*", r"<passage.*Who is the chancellor", "The chancellor of Germany is Friedrich Merz. [1]"),
    ("*", r"<passage.*Wer ist Bundeskanzler", "Bundeskanzler ist seit dem 6. Mai 2025 Friedrich Merz. [1]"),
    ("*", r"Who is the chancellor", "The chancellor of Germany is Olaf Scholz."),
    ("*", r"days of holiday", "Full-time employees have 30 days of holiday a year. [1]"),
    ("*", r"chess championship", "Not in the documents."),
    ("*", r"^SMS: ", _spam),
    ("*", r"^Labelled .*Message: ", _spam),
    ("cohere:*", r"Read this invoice", _invoice(total="44.05", seller="Miller and Sons")),
    ("anthropic:*", r"Read this invoice", _invoice(number="RE-2047", notes="Payable in 14 days.")),
    ("*", r"Read this invoice", _invoice()),
    ("openai:*", r"How many people live in Ulm", "126000"),
    ("cohere:*", r"How many people live in Ulm", "310000"),
    ("*", r"How many people live in Ulm", "127000"),
    ("openai:*", r"Three rivers of Ulm", json.dumps(["Danube", "Iller", "Blau"])),
    ("*", r"Three rivers of Ulm", json.dumps(["danube", "Blau", "Neckar"])),
    ("cohere:*", r"invented the bicycle", json.dumps({"surname": "Drais", "year": 1817})),
    ("*", r"invented the bicycle", json.dumps({"surname": "Michaux", "year": 1861})),
    ("*", r"a or b\?", '"a"'),
    ("openai:*", r"stays upright", "The wheel steers itself under the weight, so the bicycle catches its own fall."),
    ("*", r"stays upright", "Steering into the fall brings the wheels back below you."),
    ("*", r"Write search words", "Passwort Zeichen password length"),
    ("*", r"Passwort haben|long is a password", "Ein Passwort hat mindestens 14 Zeichen. [1]"),
    ("*", r"recipe with leeks", json.dumps(_LEEKS)),
    ("*", r"Summarise", "Nothing much happened."),
    ("*", r"colours of the sea", json.dumps(["green", "grey", "blue"])),
    ("*", r"What is this message\?", '"complaint"'),
    ("*", r"sums of this invoice", json.dumps({"net": 100, "tax": 19, "total": 119})),
    ("*", r"Read this bill", json.dumps(_BILL)),
    ("*", r"In one sentence: what", "Ruth Keller sent the wrong pump back and waits for her money."),
    ("*", r"limerick", "A cloud with a grudge against May\nrained on every last picnic that day."),
]
