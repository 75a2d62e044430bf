"""A provider that speaks HTTP: a row of data over wires (encode, decode, fold, error) and a carrier."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chainkit.errors import CompositionError, did_you_mean
from chainkit.models.http_backend import HttpBackend
from chainkit.models.late import Late, imported
from chainkit.models.profile import Profile
from chainkit.models.provider import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chainkit.models.batches import BatchWire
    from chainkit.models.provider import Account, ChatWire, Signer, TaskWire


@dataclass(frozen=True, eq=False, kw_only=True)
class HttpProvider:
    """One vendor or gateway, as data.

    `wires` maps an `api` to its wire, or to an import string "package.module:name" of one; `tasks` maps what is
    asked besides chat (`embed`, `rerank`, ...) to its wire. `base_url` may hold `{VARIABLE}` or
    `{VARIABLE:default}`, filled from the environment. `vendor` is the TypedDict of options that only this vendor
    has; a wire that takes others than its neighbours has a `vendor` of its own. `signer` opens the door where there is no
    key, `batches` is how it takes batches. `auth` is the header that carries the key, with `{key}` in it; `auth_for` gives another form for the key of one
    variable. `header_env` maps further headers to the variables that hold their values. `hosts` are the
    vendor's own hosts besides that of `base_url`; one that begins with a dot stands for all below it. A
    server that needs no key says `key_needed=False`. `keys_at` is where a key can be got. `sdk` is the import
    string of an `Sdk`, `extra` the extra of this package that installs it. `profiles` says what a model
    can do. `address` makes a base URL of what people write for one, where that is more than a URL.
    """

    name: str
    base_url: str
    wires: Mapping[str, ChatWire | str]
    default_api: str = "chat"
    key_env: tuple[str, ...] = ()
    base_url_env: tuple[str, ...] = ()
    auth: str = "authorization: Bearer {key}"
    auth_for: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    header_env: Mapping[str, str] = field(default_factory=dict[str, str])
    hosts: tuple[str, ...] = ()
    key_needed: bool = True
    keys_at: str | None = None
    sdk: str | None = None
    extra: str | None = None
    profiles: Callable[[str], Profile] | str | None = None
    tasks: Mapping[str, TaskWire | str | Late] = field(default_factory=dict[str, "TaskWire | str | Late"])
    vendor: Any = None
    signer: Signer | str | None = None
    batches: BatchWire | str | None = None
    address: Callable[[str], str] | None = None
    protocol: int = PROTOCOL

    def open(self, account: Account) -> HttpBackend:
        """A backend for an account. Raises CompositionError for an `api` that there is not."""
        api = account.api or self.default_api
        wire = self.wires.get(api)
        if wire is None and (self.wires or account.api):
            msg = f"{self.name} has no api={api!r}"
            raise CompositionError(msg, cure=did_you_mean(api, sorted(self.wires)))
        return HttpBackend(self, account, imported(wire) if wire is not None else None)

    def profile(self, model: str, account: Account | None = None) -> Profile:
        """What that model can do."""
        if self.profiles is None:
            return Profile(self.name, model)
        told: Profile = imported(self.profiles)(model)
        return told
