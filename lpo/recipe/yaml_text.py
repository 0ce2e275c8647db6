"""YAML 1.2 text to plain values with line numbers, and back.

PyYAML reads YAML 1.1: there ``off`` is false, ``1e-3`` is text, ``010`` is eight and a duplicate key silently wins.
Here the scalars are those of YAML 1.2's core schema, and duplicates are errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]

_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_TAG = "tag:yaml.org,2002:"


class YamlError(ValueError):
    """Text that is not one YAML document of plain values; ``line`` counts from 1, None if unknown."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass
class Document:
    """A parsed text: mappings, lists and scalars, and the line on which each of them starts."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - PyYAML's name and type


class _Dumper(yaml.SafeDumper):
    """Quotes whatever either version of YAML would take for something else than text."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML's other styles fold line breaks, and lose the rarer ones (NEL, U+2028).
    return dumper.represent_scalar(_TAG + "str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _represent_text)
for _name, _pattern, _first in (
    ("null", _NULL, ["~", "n", "N", ""]),
    ("bool", _BOOL, list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(_TAG + _name, _pattern, _first)
    _Dumper.add_implicit_resolver(_TAG + _name, _pattern, _first)


def parse(text: str) -> Document:
    """Read one document. Raises YamlError with the line for bad syntax, duplicate keys, tags, and keys not of text."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        raise YamlError(f"not valid YAML: {reason}", mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise YamlError(f"not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise YamlError("nested too deeply to be a recipe") from None
    document = Document(None)
    if node is not None:
        document.value = _construct(node, (), document.lines, ())
    return document


def dump(value: Any) -> str:
    """Text that ``parse`` reads back to the same value, in the order of its keys."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)


def _construct(node: yaml.Node, path: Path, lines: dict[Path, int], above: tuple[yaml.Node, ...]) -> Any:
    line = node.start_mark.line + 1
    lines[path] = line
    if node in above:
        raise YamlError("an alias (*) contains itself", line)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, line)
    if node.tag not in (_TAG + "map", _TAG + "seq"):
        raise YamlError(f"tag {node.tag} has no meaning in a recipe; write a plain value", line)
    if isinstance(node, yaml.SequenceNode):
        return [_construct(each, (*path, index), lines, (*above, node)) for index, each in enumerate(node.value)]
    assert isinstance(node, yaml.MappingNode)
    mapping: dict[str, Any] = {}
    first_seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        key_line = key_node.start_mark.line + 1
        key = _construct(key_node, path, {}, (*above, node))
        if not isinstance(key, str):
            raise YamlError(
                f"key {key_node.value if isinstance(key_node, yaml.ScalarNode) else key} is not text; quote it",
                key_line,
            )
        if key in mapping:
            raise YamlError(f"key '{key}' stands twice, first on line {first_seen[key]}; keep one", key_line)
        first_seen[key] = key_line
        mapping[key] = _construct(value_node, (*path, key), lines, (*above, node))
        lines[(*path, key)] = key_line
    return mapping


def _scalar(node: yaml.ScalarNode, line: int) -> Any:
    text, kind = node.value, node.tag.removeprefix(_TAG)
    if kind == "int" and len(text) > 1000:
        raise YamlError(f"a whole number of {len(text)} characters; no field takes one", line)
    try:
        if kind == "str":
            return text
        if kind == "null":
            return None
        if kind == "bool" and _BOOL.match(text):
            return text.lower() == "true"
        if kind == "int":
            return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        if kind == "float":
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        pass
    raise YamlError(f"tag {node.tag} with value '{text}' has no meaning in a recipe; write a plain value", line)
