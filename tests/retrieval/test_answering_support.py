"""What supports a sentence, and what does not: figures, units, dates, names, negation, quotes, refusals."""

import pytest

from chainkit.documents import Chunk, Retrieved
from chainkit.retrieval.grounding.checking import checked
from chainkit.retrieval.grounding.figures import codes, figures
from chainkit.retrieval.grounding.language import NOT_FOUND, language_of, refuses
from chainkit.retrieval.grounding.quotes import located
from chainkit.retrieval.grounding.sentences import marked, spans, unmarked


def supported(claim: str, *texts: str) -> bool:
    found = [Retrieved(Chunk(f"d{n}", t, 0, len(t)), 1.0) for n, t in enumerate(texts)]
    return checked(claim, found).supported


@pytest.mark.parametrize(
    ("one", "language", "other", "other_language"),
    [
        ("1.290 €", "de", "1,290 euros", "en"),
        ("1.290,50 Euro", "de", "EUR 1,290.50", "en"),
        ("12,5 %", "de", "12.5 percent", "en"),
        ("1,2 Mio. Euro", "de", "1.2 million euros", "en"),
        ("1 290", None, "1290", None),
        ("3. März 2026", "de", "March 3rd, 2026", "en"),
        ("03.03.2026", "de", "2026-03-03", None),
        ("9.30 Uhr", "de", "9:30 am", "en"),
        ("21:30", None, "9:30 pm", "en"),
        ("9 Uhr", "de", "9:00", None),
        ("Montag", "de", "Monday", "en"),
        ("nine days", "en", "9 Tage", "de"),
        ("30 Urlaubstage", "de", "30 days", "en"),
        ("-5 °C", None, "−5 °C", None),
    ],
)
def test_the_same_figure_is_known_in_another_form(one, language, other, other_language) -> None:
    held = figures(other, other_language, source=True)
    assert held and all(f.is_in(held) for f in figures(one, language)), (figures(one, language), held)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("9 days", "9 hours"),
        ("9 am", "9 pm"),
        ("9:30", "9:45"),
        ("1.29 euros", "1,290 euros"),
        ("3 March", "3 April"),
        ("March 3", "March 4"),
        ("2025", "2026"),
        ("5 °C", "-5 °C"),
        ("5 percent", "5 euros"),
        ("Monday", "Friday"),
        ("1" * 5000, "1" * 4999),
        ("12", "112"),
    ],
)
def test_another_figure_is_another(one: str, other: str) -> None:
    held = figures(other, "en", source=True)
    assert not all(f.is_in(held) for f in figures(one, "en"))


def test_names_of_letters_and_figures_are_compared_whole() -> None:
    assert codes("The CX-210 and the A17 weigh 5kg, the 2nd 4 m") == ["cx210", "a17"]
    assert not supported("The CX-210 weighs 5 kg.", "The CX-220 weighs 5 kg.")
    assert supported("The CX 210 weighs 5 kg.", "The CX 210 weighs 5kg.")


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("The shop does not open at 9:30.", "The shop opens at 9:30."),
        ("The shop opens at 9:30.", "The shop never opens at 9:30."),
        ("Hunde sind im Laden erlaubt.", "Hunde sind im Laden nicht erlaubt."),
        ("Dogs are allowed in the shop.", "Dogs are forbidden in the shop."),
        ("The shop closes at 9.", "The shop opens at 9."),
        ("A password has at most 14 signs.", "A password has at least 14 signs."),
        ("The office is led by Anna Miller.", "The office is led by Ben Smith."),
        ("Anna leads the office.", "Ben leads the office."),
        ("Das Büro leitet Anna Müller seit Jahren.", "Das Büro leitet Ben Schmidt seit Jahren."),
        ("Das Lager steht seit Jahren in Hamburg.", "Das Lager steht seit Jahren in Bremen."),
        ("Lunch costs 5.20 euros on Monday.", "Lunch costs 5.20 euros on Friday."),
        ("The VPN is needed at home.", "The phone is needed at home."),
        ("Cats are allowed, dogs too.", "Cats are allowed, dogs are not."),
        ("The nested ones must be instances or types.", "The nested ones must be instances, not types."),
    ],
)
def test_a_sentence_that_says_otherwise_is_not_supported(claim: str, text: str) -> None:
    assert not supported(claim, text)


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("Not only dogs are allowed in the shop.", "Dogs are allowed in the shop."),
        ("Dogs are not allowed in the shop.", "Cats may enter, but dogs are not allowed in the shop."),
        (
            "Vollzeitkräfte haben 30 Urlaubstage.",
            "Vollzeitkräfte haben 30 Tage Urlaub im Jahr, bei einer Fünftagewoche.",
        ),
        ("1. Lunch costs 5.20 euros.", "Lunch costs 5.20 euros for employees."),
        ("A night costs 1 290 euros.", "A night costs 1,290 euros."),
        ("The fee is due by 3 March.", "The fee is due by March 3, 2026."),
        ("The fee is due by 3 March and costs EUR 12.", "The fee is due by 2026-03-03, and costs 12 euros."),
        ("One thing: It opens at 9.", "One thing opens at 9."),
    ],
)
def test_a_sentence_that_says_the_same_is_supported(claim: str, text: str) -> None:
    assert supported(claim, text)


def test_two_chunks_together_support_one_sentence_and_both_are_cited() -> None:
    texts = ("The blue bell costs 12 euros.", "The red bell costs 9 euros.")
    found = [Retrieved(Chunk(f"d{n}", t, 0, len(t)), 1.0) for n, t in enumerate(texts)]
    answer = checked("The blue bell costs 12 euros and the red bell costs 9 euros. [1][2]", found)
    assert answer.text.endswith("9 euros. [1] [2]") and [c.document.id for c in answer.citations] == ["d0", "d1"]
    assert answer.confidence == 1.0


def test_words_spread_over_a_chunk_do_not_support_a_sentence() -> None:
    spread = "The blue lamp glows. Rain falls. Snow melts. Wind blows. A bell costs 12 euros."
    assert not supported("The blue lamp costs 12 euros.", spread)


@pytest.mark.parametrize(
    ("text", "quote", "words"),
    [
        ("He said “it’s  fine”\nand left.", 'said "it\'s fine" and', "said “it’s  fine”\nand"),
        ("Das ist Silben-\n   trennung hier.", "Silbentrennung", "Silben-\n   trennung"),
        ("Eine E-\nMail kommt.", "E-Mail kommt", None),
        ("An E-Mail comes.", "e-mail comes", "E-Mail comes"),
        ("The ﬁrst oﬃce", "first office", "ﬁrst oﬃce"),
        ("Stra\u00adße 7", "Straße 7", "Stra\u00adße 7"),
        ("Cafe\u0301 Mu\u0308ller", "Café Müller", "Cafe\u0301 Mu\u0308ller"),
        ("Open from 9 to 12 and from 1 to 5.", "Open from 9 … from 1 to 5", "Open from 9|from 1 to 5"),
        ("Pages 5–7 only.", "5-7 only!", None),
        ("Pages 5–7 only.", "pages 5-7 only", "Pages 5–7 only"),
        ("The party", "art", None),
        ("Room 112", "Room 11", None),
        ("It opens at 9.", "It opens at 10.", None),
        ("It opens at 9.", "", None),
        ("It opens at 9.", "...", None),
    ],
)
def test_a_quote_is_found_where_it_stands_and_nowhere_else(text: str, quote: str, words: str | None) -> None:
    found = "|".join(text[a:b] for a, b in located(text, quote)) or None
    assert found == words


def test_sentences_end_where_a_reader_would_end_them() -> None:
    text = "Am 3. März kostet es z. B. 1.290,50 € (ca. 9.30 Uhr). Dr. Keller kommt! [1] Wirklich? Ja [2].\nEnde"
    assert [text[a:b] for a, b in spans(text, wrapped=False)] == [
        "Am 3. März kostet es z. B. 1.290,50 € (ca. 9.30 Uhr).",
        "Dr. Keller kommt! [1]",
        "Wirklich?",
        "Ja [2].",
        "Ende",
    ]


@pytest.mark.parametrize(
    ("sentence", "bare", "marks"),
    [
        ("A. [1, 3][2]", "A.", (0, 2, 1)),
        ("A [passage 2].", "A.", (1,)),
        ("A 【3†source】", "A", (2,)),
        ("A [[1]]", "A", (0,)),
        ("A [[2]1]", "A1]", (1,)),
        ("A [?] [0]", "A", ()),
        ("A [" + "9" * 5000 + "]", "A", ()),
        ("A [note] (1)", "A [note] (1)", ()),
    ],
)
def test_marks_in_many_forms_are_read_and_taken_out(sentence: str, bare: str, marks: tuple[int, ...]) -> None:
    assert marked(sentence) == (bare, marks) and unmarked(bare) == bare


@pytest.mark.parametrize(
    "sentence",
    [
        "Not in the documents.",
        "The passages do not say when it opens.",
        "I'm sorry, but the answer is not found in the given passages.",
        "Das steht nicht in den Dokumenten.",
        "Die Dokumente enthalten dazu keine Angaben.",
        "In den Texten steht nichts darüber.",
        *NOT_FOUND.values(),
    ],
)
def test_a_refusal_is_known_in_several_forms(sentence: str) -> None:
    assert refuses(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "What is not in the documents folder is deleted after 30 days.",
        "The note says that it is not in the documents.",
        "Pages that are not in the documents are found by the archive.",
        "The documents do not say more than 9 days.",
    ],
)
def test_the_words_of_a_refusal_within_a_sentence_are_none(sentence: str) -> None:
    assert not refuses(sentence)


def test_the_language_of_a_question_is_told_by_its_small_words() -> None:
    asked = {"Wie viele Tage Urlaub gibt es?": "de", "How many days are there?": "en", "Où est la clé ?": "fr"}
    assert {q: language_of(q) for q in asked} == asked
    assert language_of("Xyz 12") == "en"
