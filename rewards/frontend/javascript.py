"""JavaScript as far as the browser's compiler must be helped: modules, which it takes for broken scripts, and how much
of a script is code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

LONGEST_TEXT = 300
"""Characters of one string that count as code."""

_PIECE = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<space>\s+)
    |(?P<string>"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)
    |(?P<word>[\w$\\]+)
    |(?P<mark>\+\+|--|.)""",
    re.S | re.X,
)
_TEMPLATE = re.compile(r"(?:\\.|\$(?!\{)|[^`\\$])*(?:`|\$\{|\Z)", re.S)
_REGEX = re.compile(r"/(?![*/])(?:\\[^\n]|\[(?:\\[^\n]|[^\]\\\n]){0,500}\]|[^/\\\[\n]){1,2000}/\w*")
_BEFORE_REGEX = {
    "await", "case", "default", "delete", "do", "else", "export", "extends", "in", "instanceof", "new", "of", "return",
    "throw", "typeof", "void", "yield",
}  # fmt: skip
_NAME = r"(?:[^\W\d]|\$)[\w$]*"
_TEXT = r"(?:\"[^\"\n]*\"|'[^'\n]*')"
_LIST = rf"\{{(?:\s*(?:{_NAME}|{_TEXT})(?:\s+as\s+(?:{_NAME}|{_TEXT}))?\s*(?:,|(?=\}})))*\s*\}}"
_WITH = r"(?:\s*\b(?:with|assert)\s*\{[^{}]*\})?"
_IMPORT = re.compile(
    rf"import(?:\s*(?P<bare>{_TEXT})"
    rf"|(?:\s+(?P<default>{_NAME}))?(?P<comma>\s*,)?\s*(?P<rest>\*\s*as\s+{_NAME}|{_LIST})?\s*\bfrom\s*{_TEXT}){_WITH}"
)
_EXPORT_FROM = re.compile(rf"export\s*(?:\*(?:\s*as\s+(?:{_NAME}|{_TEXT}))?|{_LIST})\s*from\s*{_TEXT}{_WITH}")
_EXPORT_LIST = re.compile(rf"export\s*(?P<list>{_LIST})(?!\s*from\b)")
_EXPORT_UNNAMED = re.compile(r"export\s+default\s+(?P<what>(?:async\s+)?function\s*\*?|class)\s*(?=[({]|extends\b)")
_EXPORT_NAMED = re.compile(rf"export\s+default\s+(?=(?:(?:async\s+)?function\b\s*\*?|class\b)\s*{_NAME})")
_EXPORT_DECLARED = re.compile(r"export\s+(?=(?:const|let|var|function|class|async\s+function)\b)")
_END = re.compile(r"[^\S\n]*(?:;|\n|\Z)")
_AWAITS = re.compile(r"^(?:(?:const|let|var)\s[^\n=]*=\s*)?await\b", re.M)
_EXPORT_DEFAULT = re.compile(r"export\s+default\b")


class Token(NamedTuple):
    """``kind``: comment, space, string, template, regex, word or mark."""

    kind: str
    text: str
    at: int


def tokens(source: str) -> Iterator[Token]:
    """The source in pieces that add up to it. A template falls into its texts, with what opens and closes them, and
    the code between."""
    position, before, depths, parens = 0, "", [0], []
    keyword = ""
    while position < len(source):
        found = _PIECE.match(source, position)
        assert found is not None
        kind, text = found.lastgroup or "", found.group()
        if text == "`" or (text == "}" and depths[-1] == 0 and len(depths) > 1):
            if text == "}":
                depths.pop()
            inside = _TEMPLATE.match(source, position + 1)
            assert inside is not None
            kind, text = "template", source[position : inside.end()]
            if text.endswith("${"):
                depths.append(0)
        elif (kind == "mark" and text == "/") and _takes_regex(before, keyword):
            regex = _REGEX.match(source, position)
            kind, text = ("regex", regex.group()) if regex else (kind, text)
        yield Token(kind, text, position)
        position += len(text)
        if kind in ("comment", "space"):
            continue
        if text == "(":
            parens.append(before)
        keyword = parens.pop() if text == ")" and parens else ""
        if kind == "mark" and text in "{}":
            depths[-1] += 1 if text == "{" else -1
        before = text if kind in ("word", "mark") else "(" if kind == "template" and text.endswith("${") else "x"


def _takes_regex(before: str, keyword: str) -> bool:
    """Whether a slash after this token begins a regular expression; ``keyword`` stands before the paren it closes."""
    if before == ")":
        return keyword in ("if", "while", "for", "with")
    if before in ("]", "++", "--"):
        return False
    return before in _BEFORE_REGEX or not re.match(r"[\w$]", before)


def code_of(source: str) -> str:
    """The source without comments, with white space as one character and long strings cut."""
    pieces = []
    for kind, text, _ in tokens(source):
        if kind == "space":
            pieces.append(" ")
        elif kind != "comment":
            pieces.append(text[:LONGEST_TEXT] if kind in ("string", "template") else text)
    return "".join(pieces)


def is_module(source: str) -> bool:
    """Whether it imports, exports or awaits, so that it is no script."""
    return as_script_body(source) != source or _AWAITS.search(source) is not None


def as_module_scripts(source: str) -> tuple[str, str]:
    """Two scripts that compile where the module does, as far as await (first) and return (second) allow.

    A module may await and must not return: an initialiser of a class forbids both, an async function allows both."""
    body = as_script_body(re.sub(r"\A#![^\n]*", "", source))
    # try and finally keep a brace too many from closing what is around.
    return (
        f"(class {{ static {{ try {{{body}\n}} finally {{}} }} }})",
        f'(async () => {{ "use strict"; try {{{body}\n}} finally {{}} }})',
    )


def as_script_body(source: str) -> str:
    """The module with its imports and exports as declarations that are as right or wrong, line by line."""
    seen = list(tokens(source))
    plain = "".join(re.sub(r"[^\n]", " ", text) if kind == "comment" else text for kind, text, _ in seen)
    solid = [token for token in seen if token.kind not in ("comment", "space")]
    made: list[str] = []
    done, depth = 0, 0
    for place, (kind, text, at) in enumerate(solid):
        if kind == "template":
            depth += text.endswith("${") - text.startswith("}")
        elif kind == "mark" and text in "([{":
            depth += 1
        elif kind == "mark" and text in ")]}":
            depth -= 1
        elif kind == "word" and text in ("import", "export") and at >= done:
            if place and solid[place - 1].text == ".":
                continue
            after = [token.text for token in solid[place + 1 : place + 3]]
            if text == "import" and after == [".", "meta"]:
                end, put = solid[place + 2].at + len("meta"), "import$meta"
            elif depth or (text == "import" and after[:1] in (["("], ["."])):
                continue
            else:
                end, put = _declaration(plain, at)
            made += [source[done:at], put, "\n" * source.count("\n", at, end)]
            done = end
    return "".join(made) + source[done:]


def _declaration(plain: str, at: int) -> tuple[int, str]:
    """Where an import or export ends, or what is said of it, and what to put there. Left as it is where it is wrong."""
    wrong = (at, "")
    if found := _IMPORT.match(plain, at):
        if not _ends(plain, found.end()):
            return wrong
        names = [found["default"]] if found["default"] else []
        if not found["bare"] and (
            bool(found["comma"]) != bool(names and found["rest"]) or not (names or found["rest"])
        ):
            return wrong
        imported = [each for each in (found["rest"] or "").strip("{}").split(",") if each.strip()]
        names += [re.split(r"\bas\b", each)[-1].strip() for each in imported]
        return found.end(), f"const {', '.join(f'{name} = 0' for name in names)};" if names else "void 0;"
    if found := _EXPORT_FROM.match(plain, at):
        return (found.end(), "void 0;") if _ends(plain, found.end()) else wrong
    if found := _EXPORT_LIST.match(plain, at):
        local = [re.split(r"\bas\b", each)[0].strip() for each in found["list"].strip("{}").split(",")]
        put = f"void [{', '.join(each for each in local if each)}];"
        return (found.end(), put) if _ends(plain, found.end()) else wrong
    if found := _EXPORT_UNNAMED.match(plain, at):
        return found.end(), f"{found['what']} default$ "
    if found := _EXPORT_NAMED.match(plain, at) or _EXPORT_DECLARED.match(plain, at):
        return found.end(), ""
    if found := _EXPORT_DEFAULT.match(plain, at):
        return found.end(), "const default$ = "
    return wrong


def _ends(plain: str, at: int) -> bool:
    """Whether a statement may end here."""
    return _END.match(plain, at) is not None
