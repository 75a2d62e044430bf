import pytest

from chainkit.retrieval.splitting.sentences import sentences

# Sentences that are one each, with what may look like an end inside.
WHOLE = [
    "Das gilt z. B. für Hunde, d. h. für alle Tiere.",
    "Das gilt z.B. für Hunde.",
    "Es sind u. a. Hamburg und Köln gemeint.",
    "Dr. Müller traf Prof. Dr. Schmidt in St. Gallen.",
    "Am 1. Januar beginnt das neue Jahr.",
    "Der 3. Platz ging an sie.",
    "Im 19. Jahrhundert war das anders.",
    "Das kostet 3.5 Millionen oder ca. 4 Mio. Euro.",
    "Siehe Nr. 5, Abs. 2, vgl. Kap. 3.",
    "Er kam am 24. 12. nach Hause.",
    "Mr. Smith and Mrs. Jones met Dr. Brown.",
    "Use a fruit, e.g. Apples, i.e. no vegetables.",
    "It costs $3.50 in the U.S. market, approx. 4 dollars.",
    "See Fig. 5 and No. 7 of the report.",
    "J. R. R. Tolkien wrote it.",
    "„Wirklich?“ fragte er.",
    '"Stop!" he said.',
    "Äpfel, Birnen usw. gibt es hier.",
    "The version is 3.11.2 and the host is example.org today.",
    "1. Ein Punkt einer Liste",
    "### 8.4.4. Ein Konto sperren",
    "B.2.1. Das Wurzelverzeichnis",
    "bzw. im Allg. nicht",
]
SEVERAL = [
    ["Hallo!", "Wie geht es dir?", "Gut."],
    ["Er sagte: „Ich komme.“", "Dann ging er."],
    ['He said "I will."', "Then he left."],
    ["Wir haben Äpfel, Birnen usw.", "Danach kommt mehr."],
    ["They sell apples, etc.", "Then they close."],
    ["I think so.", "No, I do.", "The sun sat."],
    ["Es war im Jahr 1990.", "Der Krieg war vorbei."],
    ["Es waren 12.", "Dann kamen mehr."],
    ["Was?!", "Nein…", "Doch."],
    ["He lives in the U.S.", "The house is big."],
    ["We chose plan B.", "It was better."],
    ["这是中文。", "真的吗？", "太好了！"],
    ["日本語の文です。", "「はい。」", "次の文。"],
    ["Ein Absatz ohne Punkt", "Noch einer"],
    ["(Siehe oben.)", "Weiter."],
    ["Der Router ist 192.168.0.1.", "Die Adresse ist frei."],
]


@pytest.mark.parametrize("sentence", WHOLE)
def test_a_full_stop_within_a_sentence_does_not_end_it(sentence: str) -> None:
    assert [sentence[a:b] for a, b in sentences(sentence)] == [sentence]


@pytest.mark.parametrize("parts", SEVERAL, ids=lambda p: p[0])
def test_sentences_end_where_a_reader_ends_them(parts: list[str]) -> None:
    between = "" if parts[0][-1] in "。" else "\n\n" if parts[0][-1].isalpha() else " "
    text = between.join(parts)
    assert [text[a:b] for a, b in sentences(text)] == parts
