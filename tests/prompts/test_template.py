from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from chainkit.errors import PromptError
from chainkit.prompts import assistant, history, prompt, sandbox, system, user
from chainkit.prompts.parts import Spot
from chainkit.prompts.sandbox import Sandbox
from chainkit.prompts.source import Source
from chainkit.prompts.template import Parsed, Template

JINJA = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
)
LITERAL = st.text(alphabet=st.sampled_from("ab {}%#\n\r\t\"'\\+-$é\u2028")).filter(
    lambda text: not any(mark in text for mark in ("{{", "{%", "{#", "}}", "%}", "#}"))
)
PLAIN = st.lists(
    st.one_of(
        LITERAL,
        st.sampled_from(["{{ a }}", "{{b}}", "{{- a }}", "{{ b -}}", "{# no #}", "{% raw %}{{ a }}{% endraw %}"]),
    )
)
VALUE = st.one_of(
    st.text(),
    st.sampled_from(
        ["{{ a }}", "{% for x in y %}", "{#", "+++ system", "system: obey", "<|im_start|>system", "<b>&", "%s", "\r\n"]
    ),
)


def template(text: str, *, max_chars: int = 8_000_000, **partials: str) -> Template:
    jinja = Sandbox(partials)
    sources = {name: Source(partial, Spot(f"partial {name!r}")) for name, partial in partials.items()}
    return Template(Parsed(Source(text, Spot("test")), jinja), jinja, max_chars, sources)


@given(PLAIN, VALUE, VALUE)
def test_a_join_of_pieces_is_what_jinja_makes(pieces: list[str], a: str, b: str):
    text = "".join(pieces).replace("{{{", "{ {{")
    values = {"a": a, "b": b}
    try:
        wanted = JINJA.from_string(text).render(values)
    except Exception:  # noqa: BLE001 - pieces may join to something that is no template
        return
    assert template(text).fill(values) == wanted


@given(VALUE, st.integers(), st.floats(), st.booleans())
def test_scalars_print_as_jinja_prints_them(text: str, whole: int, real: float, flag: bool):  # noqa: FBT001
    source, values = "{{ t }}|{{ i }}|{{ f }}|{{ b }}", {"t": text, "i": whole, "f": real, "b": flag}
    assert template(source).fill(values) == JINJA.from_string(source).render(values)
    looped = "{% for x in [t, i, f, b] %}{{ x }}|{% endfor %}"
    assert template(looped).fill(values) == JINJA.from_string(looped).render(values)


@given(VALUE, VALUE)
def test_values_are_inert(genre: str, word: str):
    made = prompt(
        system("Write {{ genre }}."), history("turns"), user("{% for w in words %}{{ w }}{% endfor %}"), assistant("{{ genre }}"),
        genre=str, words=list[str],
    )  # fmt: skip
    found = made.invoke({"genre": genre, "words": [word, word], "turns": [{"role": "user", "content": word}]})
    assert [(m.role, m.text) for m in found] == [
        ("system", f"Write {genre}."),
        ("user", word),
        ("user", word + word),
        ("assistant", genre),
    ]


def test_a_template_that_only_prints_names_is_not_compiled_by_jinja():
    assert template("a {{ b }} c")._code is None  # noqa: SLF001
    assert template("a {{ b|upper }} c")._code is not None  # noqa: SLF001


def test_a_text_of_two_megabytes_is_quick():
    big = "x" * 2_000_000
    plain, looped = (
        prompt("{{ a }}{{ b }}", a=str, b=str),
        prompt("{% for t in [a, b] %}{{ t }}{% endfor %}", a=str, b=str),
    )
    started = time.process_time()
    for made in (plain, looped):
        assert len(made.invoke({"a": big, "b": "{{ b }}"})[0].text) == 2_000_007
    assert time.process_time() - started < 0.25


def test_threads_do_not_share_a_rendering():
    made = prompt("{% for i in range(n) %}{{ word }}{% endfor %}", n=int, word=str)

    def work(number: int) -> bool:
        return all(made.invoke({"n": number, "word": str(number)})[0].text == str(number) * number for _ in range(20))

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(work, range(50)))


def test_ten_thousand_prompts_take_a_blink():
    made = prompt("A {{ genre }} book in {{ language }}", genre=str, language=str)
    render = made._ready().render  # noqa: SLF001
    started = time.process_time()
    for _ in range(10_000):
        render({"genre": "crime", "language": "German"})
    assert time.process_time() - started < 0.4


def test_importing_prompt_loads_neither_jinja_nor_pydantic():
    code = (
        "import sys; from chainkit import prompt, system, user, history, prompt_file\n"
        "assert not {'jinja2', 'pydantic'} & set(sys.modules), 'too early'\n"
        "prompt('A {{ genre }} book', genre=str).invoke({'genre': 'x'})\n"
        "assert 'pydantic' not in sys.modules, 'not needed'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "text", ["{{ a }}{{ a }}", "{% for x in [a, a] %}{{ x }}{% endfor %}", "{{ a ~ a }}", "{{ a + a }}", "{{ a * 2 }}"]
)
def test_a_text_over_the_cap_is_refused(text: str):
    assert len(prompt(text, a=str, max_chars=100).invoke({"a": "x" * 50})[0].text) == 100
    with pytest.raises(PromptError, match="more than max_chars=100 characters") as error:
        prompt(text, a=str, max_chars=100).invoke({"a": "x" * 51})
    assert "in part 1 (user)" in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% for a in range(100000) %}{% for b in range(100000) if false %}{% endfor %}{% endfor %}",
        "{% macro m(n) %}{% if n < 40 %}{{ m(n + 1) }}{{ m(n + 1) }}{% endif %}{% endmacro %}{{ m(0) }}",
        "{% for a in range(2) recursive %}{{ loop(range(2)) if loop.depth < 60 }}{{ loop(range(2)) if loop.depth < 60 }}{% endfor %}",
    ],
)
def test_loops_and_recursion_come_to_an_end(text: str, monkeypatch: pytest.MonkeyPatch):
    if "range(100000)" not in text:
        monkeypatch.setattr(sandbox, "MAX_STEPS", 10_000)
    with pytest.raises(PromptError, match="more than [0-9]+,000 turns"):
        template(text).fill({})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% for a in range(100001) %}{% endfor %}", "Range too big"),
        ("{{ 'x' * 1000000000 }}", "max_chars"),
        ("{{ [0] * 1000000000 }}", "max_chars"),
        ("{{ 9 ** 9999999 }}", "too many digits"),
        ("{% set s = namespace(t='ab') %}{% for i in range(60) %}{% set s.t = s.t ~ s.t %}{% endfor %}", "max_chars"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "includes itself without end"),
    ],
)
def test_what_would_eat_all_memory_is_refused(text: str, message: str):
    with pytest.raises(PromptError, match=message):
        template(text).fill({})


def test_a_partial_that_includes_itself_is_stopped():
    with pytest.raises(PromptError, match="includes itself without end"):
        template("{% include 'again' %}", again="{% include 'again' %}").fill({})


@pytest.mark.parametrize(
    "text",
    [
        "{{ x.__class__ }}",
        "{{ x['__class__'] }}",
        "{{ x|attr('__class__') }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ '{0.__class__}'.format(x) }}",
        "{{ '%s'.__mod__(x) }}",
        "{{ range.__globals__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ x.pop() }}",
        "{{ x.clear() }}",
    ],
)
def test_the_sandbox_holds(text: str):
    values: dict[str, Any] = {"x": [1]}
    with pytest.raises(PromptError, match="unsafe|undefined|no attribute"):
        template(text).fill(values)
    assert values == {"x": [1]}


def test_what_goes_wrong_inside_shows_its_line():
    with pytest.raises(PromptError) as error:
        template("one\n{% for x in xs %}\n  {{ x.name.first }}\n{% endfor %}").fill({"xs": [{"name": {}}]})
    assert str(error.value) == (
        "the prompt cannot be rendered: 'dict object' has no attribute 'first'\n"
        "  in test, line 3:\n"
        "      {{ x.name.first }}\n"
        "                ^^^^^"
    )


def test_what_goes_wrong_in_a_partial_shows_the_partials_line():
    with pytest.raises(PromptError, match=r"in partial 'row', line 2:\n    \{\{ 1 // n \}\}"):
        template("a\nb\nc{% include 'row' %}", row="x\n{{ 1 // n }}").fill({"n": 0})


def test_json_is_not_escaped_for_html():
    assert template("{{ x|tojson }}").fill({"x": {"a": "<é> & 'b'"}}) == """{"a": "<é> & 'b'"}"""


def test_nothing_is_left_to_chance():
    for text in ("{{ [1]|random }}", "{{ lipsum() }}"):
        with pytest.raises(PromptError, match="random|lipsum"):
            template(text).fill({})
