"""One call that wants to leave the process, on its way through the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import Attempt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chainkit.errors import ChainkitError
    from chainkit.run.frame import Frame
    from chainkit.run.io.protocol import Io
    from chainkit.run.ledger import Row
    from chainkit.run.limits import Limit
    from chainkit.usage import Cost, Usage

    Emit = Callable[[Any], Awaitable[None]]


class Tries:
    """How many attempts a model step still has. Transient retries and re-asks draw on this one number."""

    __slots__ = ("log", "most", "used")

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0
        self.log: list[Attempt] = []

    @property
    def left(self) -> int:
        """Attempts not used yet."""
        return self.most - self.used

    def note(self, error: BaseException, text: str | None = None) -> None:
        """Write down what an attempt gave."""
        self.log.append(Attempt(f"{type(error).__name__}: {getattr(error, 'message', error)}", text))

    def spend(self, error: ChainkitError) -> ChainkitError:
        """The last error, with all that came before it: no outer retry repeats it unasked."""
        error.attempts = tuple(self.log)
        error.spent = True
        return error


class Call:
    """What the gate's layers see. A layer that must see pieces hands on a call with a wrapped `emit`.

    `bound()` is the most that the call may use and cost, `price(usage)` what it did cost, `hashed()` names
    the encoded request. `restart(reason)` is told before an attempt is repeated after pieces were shown;
    it raises StreamBroken where they cannot be taken back.
    """

    __slots__ = (
        "bound", "draw", "emit", "hashed", "io", "kind", "limits", "model", "path", "price", "provider",
        "request", "restart", "row", "run", "send", "tries", "until",
    )  # fmt: skip

    kind: str
    provider: str
    model: str
    path: str
    request: Any
    send: Callable[[Call], Awaitable[Any]]
    limits: tuple[Limit, ...]
    bound: Callable[[], tuple[int, Cost]] | None
    price: Callable[[Usage], Cost] | None
    hashed: Callable[[], str] | None
    restart: Callable[[ChainkitError], Awaitable[None]] | None
    emit: Emit | None
    row: Row | None

    def __init__(self, frame: Frame, tries: Tries, **fields: Any) -> None:
        self.io: Io = frame.io
        self.run = frame.run
        self.until: float | None = frame.until
        self.draw = frame.draw
        self.tries = tries
        self.kind = "chat"
        self.limits = ()
        self.bound = self.price = self.hashed = self.restart = self.emit = self.row = None
        for name, value in fields.items():
            setattr(self, name, value)

    def copy(self, **changes: Any) -> Call:
        """The same call with some of its fields changed."""
        new = Call.__new__(Call)
        for name in Call.__slots__:
            setattr(new, name, getattr(self, name))
        for name, value in changes.items():
            setattr(new, name, value)
        return new
