"""Which judge is asked, and how patiently: the ``judge`` block of a reward's params."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from lpo.errors import InputError
from lpo.recipe.base import NonNegative, NonNegativeFloat, Positive, PositiveFloat, Section, unknown_name

ENDPOINT, MODEL, KEY = "LPO_JUDGE_ENDPOINT", "LPO_JUDGE_MODEL", "LPO_JUDGE_API_KEY"
"""Environment variables that stand in for what a recipe leaves out; the key is never in a recipe."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"(api_?)?key|token|secret|password|authorization|headers", re.IGNORECASE)

_OURS = {"messages", "model", "stream", "n"}


class JudgeSettings(Section):
    """A judge behind an OpenAI-compatible endpoint, or a function."""

    endpoint: str | None = None
    """Base URL, ``http://host:8000/v1``. None: the variable LPO_JUDGE_ENDPOINT."""
    model: str | None = None
    """None: the variable LPO_JUDGE_MODEL."""
    function: str | None = None
    """``file.py:function`` or ``package.module:function`` in the place of an endpoint."""
    key_env: str = KEY
    """Name of the environment variable that holds the key, if there is one."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = 0.0
    max_tokens: Positive | None = 1024
    """Tokens of one answer. None: the field is not sent."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request, for example ``response_format`` or ``seed``."""
    max_chars: Annotated[int, Field(ge=200)] = 24_000
    """Of a response that the judge sees; of longer ones the middle is left out."""
    concurrency: Positive = 16
    """Requests under way at one time."""
    timeout_s: PositiveFloat = 30.0
    """For one request."""
    retries: NonNegative = 3
    """Further tries after a 429, a 5xx, a broken connection or a time-out."""
    backoff_s: NonNegativeFloat = 0.5
    """Wait before the second try; it doubles for each further one, up to 8 s, and is varied at random."""
    patience_s: PositiveFloat = 50.0
    """For one call of the reward with all its questions; what is not answered then counts as failed."""
    rest_s: PositiveFloat = 10.0
    """How long a judge that is down is left alone before it is tried again; doubles each time, up to 2 minutes."""
    cache: bool | str = True
    """Keep answers on disk: true for the user's cache folder, false, or a folder."""
    cache_mib: PositiveFloat = 512.0
    """Size of that folder; what was not used for longest goes first."""


def judge_settings(
    given: str | Mapping[str, Any] | None, where: str = "judge", known: Iterable[str] = ()
) -> JudgeSettings:
    """The settings of a ``judge`` param: a mapping of fields, or just a ``file.py:function``. ``known`` are fields that
    it may have besides, for the error about an unknown one.

    Raises InputError, which names field, value and remedy, and never a key.
    """
    fields: dict[str, Any] = {"function": given} if isinstance(given, str) else dict(given or {})
    _refuse_secrets(fields, where)
    if isinstance(fields.get("key_env"), str) and not _VARIABLE.fullmatch(fields["key_env"]):
        raise InputError(
            f"{where}.key_env must be the name of an environment variable that holds the key, such as {KEY}, not the "
            "key itself"
        )
    for name in fields:
        if name not in JudgeSettings.model_fields:
            raise InputError(f"{where}: {unknown_name(name, [*JudgeSettings.model_fields, *known])}")
    settings = checked(JudgeSettings, fields, where)
    for name in _OURS & settings.extra.keys():
        raise InputError(f"{where}.extra.{name} is set by lpo; leave it out, or use {where}.{name} if there is one")
    if settings.function is not None:
        if settings.endpoint is not None:
            raise InputError(f"{where} has both an endpoint and a function; keep one of them")
        return settings
    settings = settings.model_copy(
        update={
            "endpoint": settings.endpoint or os.environ.get(ENDPOINT) or None,
            "model": settings.model or os.environ.get(MODEL) or None,
        }
    )
    for name, variable in (("endpoint", ENDPOINT), ("model", MODEL)):
        if getattr(settings, name) is None:
            raise InputError(
                f"{where}.{name} is missing; set it or the environment variable {variable}, or name a local "
                f"{where}.function: file.py:function"
            )
    return settings


def checked(section: type[Section], fields: Mapping[str, Any], where: str) -> Any:
    """The section with these fields. Raises InputError for the first value that it does not take."""
    try:
        return section.model_validate(dict(fields))
    except ValidationError as cause:
        problem = cause.errors()[0]
        named = (str(part) for part in problem["loc"] if isinstance(part, int) or part in section.model_fields)
        place = ".".join([where, *named])
        raise InputError(f"{place} is {problem['input']!r:.80}: {problem['msg'].lower()}") from None


def read_key(settings: JudgeSettings) -> str | None:
    """The key, from the environment. Raises InputError where a variable was named and is not set, or holds no key."""
    key = os.environ.get(settings.key_env, "").strip()
    if not key:
        if settings.key_env != KEY:
            raise InputError(
                f"judge.key_env names {settings.key_env}, which is not set here; export it, or leave it out"
            )
        return None
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise InputError(
            f"the variable {settings.key_env} holds no key: there are spaces, line ends or letters beyond ASCII in it"
        )
    return key


def _refuse_secrets(fields: Mapping[str, Any], where: str) -> None:
    """Params are written to the run folder and to MLflow, so a key may not be among them."""
    for place, within in ((where, fields), (f"{where}.extra", fields.get("extra"))):
        for name in within if isinstance(within, Mapping) else ():
            if _SECRET.fullmatch(str(name)):
                raise InputError(
                    f"{place}.{name}: keys do not belong in a recipe, which is written to the run folder and to "
                    f"MLflow; put it into the environment variable {KEY}, or into one that {where}.key_env names"
                )
