"""From a question to the token ids that the engine sees."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from lpo.recipe.data import Data
from lpo.samples import Message, Prompt
from trainers.data.rows import DataError, Row


def render_prompts(
    rows: Mapping[str, Row], data: Data, tokenizer: Any, system_prompt: str | None = None
) -> list[Prompt]:
    """One prompt per row, in order. ``rows`` maps question keys to rows; ids are hashes of the keys.

    ``chat``: system prompt and question through the tokenizer's template, with the generation prompt. ``plain``: system
    prompt, if any, on a line of its own, question and ``plain_suffix``, with the special tokens that the tokenizer puts
    in front. ``instruction`` follows the question on a line of its own. ``system_prompt`` None: the recipe's usual one.
    Raises DataError where tokenizer and template do not go together.
    """
    if data.template == "chat" and not getattr(tokenizer, "chat_template", None):
        raise DataError("data.template is chat, but the model's tokenizer has no chat template; use template: plain")
    render = _render_chat if data.template == "chat" else _render_plain
    system = data.usual_system_prompt if system_prompt is None else system_prompt
    rendered = [render(row, data, tokenizer, system) for row in rows.values()]
    texts = [text for _, text in rendered]
    token_ids = _tokenize(texts, tokenizer, add_special_tokens=data.template == "plain")
    if empty := next((row for row, ids in zip(rows.values(), token_ids, strict=True) if not ids), None):
        raise DataError(
            f"the question {_question_text(empty)!r:.80} has no tokens once data.template {data.template} is applied; "
            "a prompt has at least one: mend the tokenizer's chat template, or use the other template"
        )
    return [
        Prompt(
            id=hashlib.sha256(key.encode()).hexdigest()[:16],
            token_ids=ids,
            content=content,
            question=_question_text(row),
            columns=row.columns,
        )
        for (key, row), (content, _), ids in zip(rows.items(), rendered, token_ids, strict=True)
    ]


def _render_chat(row: Row, data: Data, tokenizer: Any, system: str | None) -> tuple[list[Message], str]:
    messages = [{"role": "user", "content": row.question}] if isinstance(row.question, str) else list(row.question)
    if data.instruction:
        messages[-1] = {**messages[-1], "content": f"{messages[-1]['content']}\n{data.instruction}"}
    if system is not None:
        if messages[0]["role"] == "system":
            field = "system_prompt" if data.modes is None else "modes"
            raise DataError(
                f"data.{field} is set, but the question {_question_text(row)!r:.80} brings a system message; remove one"
            )
        messages.insert(0, {"role": "system", "content": system})
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    except Exception as cause:
        # Templates raise errors of their own, for example where they know no system role.
        roles = ", ".join(message["role"] for message in messages)
        raise DataError(f"the tokenizer's chat template refuses messages with roles {roles}: {cause}") from cause
    return messages, text


def _render_plain(row: Row, data: Data, tokenizer: Any, system: str | None) -> tuple[str, str]:
    if not isinstance(row.question, str):
        raise DataError(
            f"data.template is plain, but the question {_question_text(row)!r:.80} is a list of messages; use chat"
        )
    content = f"{row.question}\n{data.instruction}" if data.instruction else row.question
    return content, (f"{system}\n" if system else "") + content + data.plain_suffix


def _question_text(row: Row) -> str:
    return row.question if isinstance(row.question, str) else row.question[-1]["content"]


def _tokenize(texts: list[str], tokenizer: Any, add_special_tokens: bool) -> list[list[int]]:
    if not texts:
        return []
    token_ids = tokenizer(texts, add_special_tokens=add_special_tokens)["input_ids"]
    # Some tokenizers close a text with the end token, which would end the response before it starts.
    end = tokenizer.eos_token_id
    return [list(ids[:-1]) if add_special_tokens and ids and ids[-1] == end else list(ids) for ids in token_ids]
