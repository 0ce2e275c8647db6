"""What a page does beside drawing itself: what it asks for, the errors it lets pass, the dialogs it opens."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from rewards.frontend.devtools import Pipe

ORIGIN = "https://page.example"
"""Where pages are served: a secure origin, so that they have storage and crypto, and one that is nowhere."""

MOST_ERRORS = 50
"""Errors, dialogs and refused requests that are kept, of each."""
MOST_DOCUMENTS = 12
"""Navigations of one page that are served; a page that reloads itself for ever stays as it then is."""
MOST_REQUESTS = 400


class Conduct:
    """Answers the events that a page brings about, from its files, and keeps what they were."""

    def __init__(self, pipe: Pipe, files: Mapping[str, bytes], leaving: Callable[[], None]) -> None:
        """``files`` are the page's by path, "" the document. ``leaving`` is called where it navigates."""
        self._pipe, self._files, self._leaving = pipe, files, leaving
        self._session = self._frame = ""
        self.errors: list[str] = []
        self.dialogs: list[str] = []
        self.blocked: list[str] = []
        self.documents = self.requests = 0
        self.due_ms = 0
        """When, on the page's clock, the last is to happen that was put off while it loaded; at most 3 s."""
        self.accept_dialogs, self.prompt_text = True, ""

    def begin(self, session: str, frame: str) -> None:
        """Of this session and its main frame events are taken."""
        self._session, self._frame = session, frame

    def handlers(self) -> Iterator[tuple[str, Callable[[str, dict[str, Any]], None]]]:
        """For `Pipe.listen`."""
        for method, handler in (
            ("Fetch.requestPaused", self._on_request),
            ("Runtime.exceptionThrown", self._on_error),
            ("Runtime.bindingCalled", self._on_told),
            ("Page.javascriptDialogOpening", self._on_dialog),
        ):
            yield method, self._mine(handler)

    def _mine(self, handler: Callable[[dict[str, Any]], None]) -> Callable[[str, dict[str, Any]], None]:
        def handle(session: str, event: dict[str, Any]) -> None:
            if session == self._session:
                handler(event)

        return handle

    def _on_request(self, event: dict[str, Any]) -> None:
        self.requests += 1
        number, url = event["requestId"], event["request"]["url"]
        parts = urlsplit(url)
        document = event.get("resourceType") == "Document"
        navigates = document and event.get("frameId") == self._frame
        if f"{parts.scheme}://{parts.netloc}" == ORIGIN and self.requests <= MOST_REQUESTS:
            path = unquote(parts.path).lstrip("/")
            body = self._files.get("" if path in ("", "index.html") else path)
            self.documents += navigates
            if body is not None and (not navigates or self.documents <= MOST_DOCUMENTS):
                kind = mimetypes.guess_type(path)[0] or "text/html"
                if navigates:
                    self.due_ms = 0
                    self._leaving()
                headers = [{"name": "Content-Type", "value": f"{kind}; charset=utf-8"}]
                answer = {"requestId": number, "responseCode": 200, "responseHeaders": headers}
                self._post("Fetch.fulfillRequest", {**answer, "body": base64.b64encode(body).decode()})
                return
        elif len(self.blocked) < MOST_ERRORS:
            self.blocked.append(url[:200])
        if document:
            # An aborted or empty navigation leaves the page as it is.
            self._post("Fetch.fulfillRequest", {"requestId": number, "responseCode": 204})
        else:
            self._post("Fetch.failRequest", {"requestId": number, "errorReason": "ConnectionRefused"})

    def _on_error(self, event: dict[str, Any]) -> None:
        self.errors.append(thrown(event["exceptionDetails"]))
        if len(self.errors) >= MOST_ERRORS:
            self._pipe.ignore("Runtime.exceptionThrown")

    def _on_told(self, event: dict[str, Any]) -> None:
        """What pageworld.js has to tell."""
        kind, _, said = str(event.get("payload", "")).partition(" ")
        if event.get("name") != "lpoTell":
            return
        if kind == "due" and said.isdecimal():
            self.due_ms = max(self.due_ms, int(said))
        elif kind == "error" and len(self.errors) < MOST_ERRORS:
            self.errors.append(said.partition("\n")[0][:300])

    def _on_dialog(self, event: dict[str, Any]) -> None:
        if len(self.dialogs) < MOST_ERRORS:
            self.dialogs.append(str(event.get("message", ""))[:500])
        accept = self.accept_dialogs or event.get("type") in ("alert", "beforeunload")
        answer: dict[str, Any] = {"accept": accept}
        if event.get("type") == "prompt":
            answer["promptText"] = self.prompt_text
        self._post("Page.handleJavaScriptDialog", answer)

    def _post(self, method: str, params: dict[str, Any]) -> None:
        self._pipe.post(method, params, self._session)


def thrown(details: Mapping[str, Any]) -> str:
    """What was thrown, in a line, and where."""
    what = details.get("exception", {})
    text = str(what.get("description") or what.get("value") or details.get("text", "an error"))
    line = details.get("lineNumber")
    return text.partition("\n")[0][:300] + (f" (line {line + 1})" if isinstance(line, int) else "")
