"""What test code says before it is run: which names it wants of the program, and whose fault it is when it raises."""

from __future__ import annotations

import ast
import builtins
import symtable
import sys
from collections.abc import Iterator, Sequence
from typing import Any

_BUILTINS = frozenset(vars(builtins))
_SHORT = {"np": "numpy", "pd": "pandas"}
_PLAIN_ATTRIBUTES = {
    name
    for kind in (
        int,
        float,
        complex,
        str,
        bytes,
        bytearray,
        list,
        tuple,
        dict,
        set,
        frozenset,
        type(None),
        type,
        type(len),
    )
    for name in dir(kind)
}
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Module)
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class Code:
    """Test code as a tree. Raises SyntaxError, ValueError, RecursionError or MemoryError where it is none.

    ``wanted``: names that it takes from nowhere, so that the program must have them. Names of builtins keep their
    meaning, whatever the program calls its functions, unless one of them is the only function that is called; these
    are ``replaced``. ``subjects``: what it uses as classes. ``libraries``: modules that it uses without importing
    them, by the names that it uses. ``takes_candidate``: it defines ``check``, which is called with the entry point.
    """

    def __init__(self, source: str, entry_point: str | None = None) -> None:
        self._tree = ast.parse(source)
        self._parents = {child: node for node in ast.walk(self._tree) for child in ast.iter_child_nodes(node)}
        self._bound = set(_bound(self._tree))
        free = {name for name in _free(symtable.symtable(source, "tests.py", "exec")) if not name.startswith("__")}
        self.libraries = {
            name: _SHORT.get(name, name)
            for name in free & {*sys.stdlib_module_names, *_SHORT}
            if all(isinstance(self._parents[node], ast.Attribute) for node in self._loads(name))
        }
        self.wanted = free - _BUILTINS - self.libraries.keys()
        self.takes_candidate = entry_point is not None and any(
            isinstance(node, ast.FunctionDef) and node.name == "check" for node in self._tree.body
        )
        asserted = [node for each in ast.walk(self._tree) if isinstance(each, ast.Assert) for node in ast.walk(each)]
        called = [node.func for node in asserted if isinstance(node, ast.Call)]
        tested = {each.id for each in called if isinstance(each, ast.Name)} & free
        if entry_point in tested and not self.takes_candidate:
            self.wanted |= {entry_point}
        elif not self.wanted and not self.takes_candidate and len(tested) == 1:
            self.wanted = tested
        self.subjects = self._classes() & self.wanted
        self.replaced = self.wanted & _BUILTINS
        parameters = {node.arg for node in ast.walk(self._tree) if isinstance(node, ast.arg)}
        self._tainted = self._taint(self.wanted | parameters)

    def fault(self, failed: dict[str, Any]) -> str:
        """Whose fault it is that test code raised: "program", "tests", or "absent" where the program lacks a name.

        Tests are at fault for what they import, and for what they do with nothing of the program's.
        """
        if failed["name"] in self.wanted:
            return "absent"
        if failed["inside"] or failed["wrong"]:
            return "program"
        if failed["type"] in ("ImportError", "ModuleNotFoundError"):
            return "tests"
        nodes = [node for place in failed["places"] if (node := self._at(place)) is not None]
        if not nodes or isinstance(nodes[-1], ast.Raise):
            return "program"
        if self._mentions(nodes[-1]) or any(self._governed(node) for node in nodes):
            return "program"
        return "tests"

    def _classes(self) -> set[str]:
        """Names of what makes objects that have, in this code, attributes that no plain data has."""
        makers: dict[str, set[str | None]] = {}
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                parent = self._parents[node]
                value = parent.value if isinstance(parent, ast.Assign) else None
                makers.setdefault(node.id, set()).add(_called(value))
        found: set[str] = set()
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Attribute) and node.attr not in _PLAIN_ATTRIBUTES:
                made_by = (
                    makers.get(node.value.id, set()) if isinstance(node.value, ast.Name) else {_called(node.value)}
                )
                if len(made_by) == 1:
                    found |= {name for name in made_by if name is not None}
        return found

    def _loads(self, name: str) -> list[ast.Name]:
        return [node for node in ast.walk(self._tree) if isinstance(node, ast.Name) and node.id == name]

    def _taint(self, first: set[str]) -> set[str]:
        """Names that may hold something of the program's: all that is assigned together with such a name."""
        tainted = set(first)
        statements = [node for node in ast.walk(self._tree) if isinstance(node, ast.stmt | ast.comprehension)]
        grown = True
        while grown:
            grown = False
            for node in statements:
                heads = list(_heads(node))
                if not any(_names(head) & tainted for head in heads):
                    continue
                governs = isinstance(node, ast.If | ast.For | ast.While | ast.Match | ast.Try)
                reached: list[ast.AST] = [node] if governs or not hasattr(node, "body") else heads
                if isinstance(node, ast.Assert):  # which only its calls may put somewhere
                    reached = [each for each in ast.walk(node) if isinstance(each, ast.Call | ast.NamedExpr)]
                more = set().union(*map(_names, reached)) & self._bound
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    more = {node.name}
                grown = grown or not more <= tainted
                tainted |= more
        return tainted

    def _mentions(self, node: ast.AST) -> bool:
        return bool(_names(node) & self._tainted)

    def _governed(self, node: ast.AST) -> bool:
        """Whether the program may decide that ``node`` is reached."""
        while not isinstance(node, _DEFINITIONS):
            parent = self._parents[node]
            if isinstance(parent, ast.BoolOp | ast.IfExp | ast.Match | ast.Try | _COMPREHENSIONS):
                if self._mentions(parent):
                    return True
            elif isinstance(parent, ast.stmt) and any(self._mentions(head) for head in _heads(parent, False)):
                return True
            node = parent
        return False

    def _at(self, place: Sequence[int | None]) -> ast.AST | None:
        """The innermost expression or statement that covers these lines and columns."""
        line, end_line, column, end_column = place
        if line is None or end_line is None:
            return None
        first, last = (line, column or 0), (end_line, end_column or 0)
        found = None
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.expr | ast.stmt) or node.end_lineno is None or node.end_col_offset is None:
                continue
            if (node.lineno, node.col_offset) <= first and last <= (node.end_lineno, node.end_col_offset):
                found = node  # ast.walk comes to inner nodes later
        return found


def _called(node: ast.AST | None) -> str | None:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None


def _free(table: symtable.SymbolTable) -> set[str]:
    """Names that are looked up among the module's and are not bound there."""
    tables, used, bound = [table], set(), set()
    for each in tables:
        tables += each.get_children()
        for symbol in each.get_symbols():
            outermost = each.get_type() == "module"
            if symbol.is_referenced() and (outermost or symbol.is_global()):
                used.add(symbol.get_name())
            if (symbol.is_assigned() or symbol.is_imported()) and (outermost or symbol.is_declared_global()):
                bound.add(symbol.get_name())
    return used - bound


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _bound(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (each.asname or each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name


def _heads(node: ast.AST, plain: bool = True) -> Iterator[ast.AST]:
    """What decides of a compound statement; with ``plain``, all of a simple statement, and of a definition."""
    if isinstance(node, ast.For | ast.AsyncFor):
        yield node.iter
        if plain:
            yield node.target
    elif isinstance(node, ast.If | ast.While):
        yield node.test
    elif isinstance(node, ast.With | ast.AsyncWith):
        yield from node.items
    elif isinstance(node, ast.Match):
        yield node.subject
    elif isinstance(node, ast.Try):
        yield from node.body
    elif plain:
        yield node
