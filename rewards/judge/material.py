"""What a judge is shown: a text, or the pictures of a page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Pictures:
    """A page as it was seen: PNG files by the width of the window, in pixels."""

    pngs: tuple[tuple[int, bytes], ...]

    def parts(self, name: str) -> list[dict[str, Any]]:
        """The parts of a message that show it, each picture after a line that says what it is."""
        shown: list[dict[str, Any]] = []
        for width, png in self.pngs:
            url = f"data:image/png;base64,{base64.b64encode(png).decode()}"
            shown.append({"type": "text", "text": f"{name} in a window {width} pixels wide:"})
            shown.append({"type": "image_url", "image_url": {"url": url}})
        return shown


Material: TypeAlias = str | Pictures


def prompt_text(prompt: Any) -> str:
    """A prompt as text: messages with their roles before them."""
    if isinstance(prompt, str):
        return prompt
    messages: Sequence[Any] = prompt or ()
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in messages)
