import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainkit import index
from chainkit.errors import CompositionError
from chainkit.retrieval.analysis import SNOWBALL, folded, terms

ALIKE = """Büro Büros Bueros Buros Bueros
Straße Strasse Straßen STRASSE
Haus Häuser Haeuser Häusern Hauses
Größe Groesse Grösse Größen
Müller Mueller
Version Versionen
Verzeichnis Verzeichnisse Verzeichnissen Verzeichnisses
Konfiguration Konfigurationen
Paket Pakete Paketen Pakets
Wort Wörter Woerter Wörtern
Buch Bücher Buecher
Möglichkeit Möglichkeiten moeglichkeit
schön schöne schönes schoen
neu neue neues neuer
Öffnungszeiten Oeffnungszeiten Offnungszeiten
run runs running
connect connected connection connections
study studies studying studied
file files
category categories
policy policies
issue issues
value values
true true's
install installs installed installing installation Installation
house houses
company company's companies
node nodes
café cafe CAFÉ
été ete Été
l'eau eau
dell'acqua acqua
niño nino
ёлка елка ЁЛКА
Αθήνα αθηνα ΑΘΉΝΑ
العَرَبِيَّة العربية
ＡＢＣ ａｂｃ
geht geht's
x-ray X-Ray""".splitlines()
UNLIKE = """Universität Universum
Kind Kindle
Organ Organisation
Bank Banner
new news
general generation
rate rating
Hand Handel
art artist
Artikel art
Stand Standard
later Latin
policy police
Rot Rotation
test Testament
process processor
Mutter Mut
Steuer Steuerung
wing win
king kin
Gas Gasse
See seen
user us
Mauer Maus
バス ハス
Москва Москит
été étage
42 43""".splitlines()


@pytest.mark.parametrize("words", ALIKE)
def test_forms_of_a_word_are_one_term(words: str) -> None:
    forms = words.split()
    assert {tuple(terms(f)) for f in forms[1:]} <= {tuple(terms(forms[0])), tuple(terms(forms[0]))[:1]}


@pytest.mark.parametrize("words", UNLIKE)
def test_different_words_are_different_terms(words: str) -> None:
    one, other = words.split()
    assert terms(one) != terms(other)


def test_common_words_are_left_out_in_both_languages() -> None:
    assert terms("The house of the rising sun und das Haus für alle") == [
        *terms("house"), *terms("rising"), *terms("sun"), *terms("Haus"), *terms("alle"),
    ]  # fmt: skip


def test_a_hyphenated_word_gives_its_parts_too() -> None:
    assert terms("E-Mail-Adresse") == ["emailadress", "e", "mail", "adress"]


def test_an_accent_of_its_own_is_the_same_as_one_in_the_letter() -> None:
    assert terms("e\u0301te\u0301 u\u0308ber Bu\u0308ro") == terms("été über Büro")


def test_scripts_without_spaces_come_in_pairs() -> None:
    assert terms("日本語の検索") == ["日本", "本語", "語の", "の検", "検索"]
    assert terms("Python3入門") == ["python3", "入門"]
    assert terms("犬") == ["犬"]
    assert terms("한국어 검색") == ["한국", "국어", "검색"]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("東京は日本の首都です。", "日本の首都"),
        ("北京是中国的首都。", "首都"),
        ("กรุงเทพเป็นเมืองหลวงของไทย", "เมืองหลวง"),
        ("서울은 한국의 수도입니다", "한국의"),
        ("Москва — столица России", "СТОЛИЦА"),
        ("Η Αθήνα είναι πρωτεύουσα", "πρωτευουσα"),
        ("القاهرة عاصمة مصر", "عَاصِمَة"),
        ("दिल्ली भारत की राजधानी है", "राजधानी"),
        ("La città è l'unica capitale", "unica citta"),
        ("Wir haben neue Büros.", "Bueros"),
    ],
)
def test_what_is_written_is_found_in_any_script(text: str, asked: str) -> None:
    held = index([text, "Etwas ganz anderes steht hier.", "Something else, 別のこと, другое."])
    assert held.search(asked, 1)[0].text == text
    assert len(held.search(asked, 3)) == 1


def test_a_language_brings_its_own_rules() -> None:
    assert terms("chevaux nationaux", "fr") == terms("cheval national", "fr")
    assert terms("красивая", "ru") == terms("красивые", "ru")
    assert terms("gatos corriendo", "es") == terms("gato corriendo", "es")
    assert terms("the", "fr") != []
    with pytest.raises(CompositionError, match="'xx'"):
        terms("word", "xx")


def test_every_language_named_has_rules() -> None:
    assert all(terms("word", language) for language in SNOWBALL)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.text(max_size=60))
def test_terms_are_plain_words_without_case(text: str) -> None:
    found = terms(text)
    assert found == terms(text)
    assert all(t and not t.isspace() and t == t.lower() for t in found)
    assert len(terms(text + " " + text)) == 2 * len(found)


def test_threads_stem_at_once() -> None:
    words = [f"connections{chr(97 + n % 26)}{chr(97 + n // 26)}ing" for n in range(600)]
    expected = terms(" ".join(words))
    found: list[list[str]] = []

    def work() -> None:
        from chainkit.retrieval import analysis

        found.append([analysis._stem(w, None) for w in words])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [expected] * 4


def test_umlauts_fold_to_their_letters() -> None:
    assert folded("größe") == "grosse"
    assert folded("plain") == "plain"
