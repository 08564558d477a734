"""Small mistakes, made on purpose: every way in which one expression or statement of a module might be wrong.

A mutant is put into a running program by giving the function concerned other code: whoever has imported that
function calls the mutant, and no test has to be imported anew. What stands outside functions is not mutated.
"""

import ast
import importlib
import inspect
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import EnumType
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

_SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}
_PLAIN = (ast.Name, ast.Attribute, ast.Call)
_WIDTH = 90


@dataclass(frozen=True)
class Mutant:
    """``name`` says where and what; ``function`` is the qualified name in the module."""

    name: str
    module: str
    function: str
    code: CodeType


def mutants(module: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its source."""
    loaded = importlib.import_module(module)
    path = Path(inspect.getsourcefile(loaded) or "")
    source = path.read_text(encoding="utf-8")
    made, seen = [], Counter[str]()
    for function, number, variant in _sites(ast.parse(source), loaded):
        tree = ast.parse(source)
        change = _put(tree, loaded, number, variant)
        name = f"{module.partition('.')[2]}: {function}: {change}"
        seen[name] += 1
        name += f" ({seen[name]})" if seen[name] > 1 else ""
        code = compile(ast.fix_missing_locations(tree), str(path), "exec")
        made.append(Mutant(name, module, function, _code_of(code, function)))
    return made


def apply(mutant: Mutant) -> None:
    """Puts the mutant in the place of the function, in this process, for good."""
    found: Any = importlib.import_module(mutant.module)
    for name in mutant.function.split("."):
        found = inspect.getattr_static(found, name)
    if isinstance(found, property):
        found = found.fget
    found = inspect.unwrap(found)
    assert isinstance(found, FunctionType), mutant.name
    found.__code__ = mutant.code


def _code_of(code: CodeType, function: str) -> CodeType:
    for name in function.split("."):
        code = next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)
    return code


Variant = int
"""The number of a way in which a node can be replaced."""


def _sites(tree: ast.Module, module: ModuleType) -> Iterator[tuple[str, int, Variant]]:
    """Every function, node (by its number in the tree) and variant."""
    numbers = {node: number for number, node in enumerate(ast.walk(tree))}
    for function, definition in _functions(tree):
        for statement in definition.body:
            for node in _mutable(statement):
                for variant, _ in enumerate(_variants(node, module)):
                    yield function, numbers[node], variant


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    yield f"{node.name}.{inner.name}", inner


def _mutable(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is in it, in order; not: assertions, annotations, docstrings, texts."""
    if isinstance(node, (ast.Assert, ast.JoinedStr)):
        return
    if isinstance(node, ast.Raise) and "AssertionError" in ast.unparse(node):
        return
    yield node
    for name, field in ast.iter_fields(node):
        if name not in {"annotation", "returns", "decorator_list"}:
            for child in field if isinstance(field, list) else [field]:
                if isinstance(child, ast.AST):
                    yield from _mutable(child)


def _variants(node: ast.AST, module: ModuleType) -> Iterator[ast.AST]:
    """What might stand in the place of ``node``."""
    yield from _other_operators(node)
    yield from _other_values(node, module)
    yield from _left_out(node)


def _other_operators(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(left, [operator], right):
            yield from (ast.Compare(left, [swap()], right) for swap in _swaps(operator))  # type: ignore[list-item]
        case ast.BoolOp(operator, values):
            yield from (ast.BoolOp(swap(), values) for swap in _swaps(operator))  # type: ignore[arg-type]
        case ast.BinOp(left, operator, right):
            yield from (ast.BinOp(left, swap(), right) for swap in _swaps(operator))  # type: ignore[arg-type]
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.If(test, body, other) if isinstance(test, _PLAIN):
            yield ast.If(ast.UnaryOp(ast.Not(), test), body, other)
        case ast.IfExp(test, body, other) if isinstance(test, _PLAIN):
            yield ast.IfExp(ast.UnaryOp(ast.Not(), test), body, other)


def _other_values(node: ast.AST, module: ModuleType) -> Iterator[ast.AST]:
    """The opposite, the next number, the next member of an enumeration."""
    match node:
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Attribute(ast.Name(name), member):
            kind = getattr(module, name, None)
            members = list(kind.__members__) if isinstance(kind, EnumType) else []
            if member in members:
                after = members[(members.index(member) + 1) % len(members)]
                yield ast.Attribute(ast.Name(name, ast.Load()), after, ast.Load())


def _left_out(node: ast.AST) -> Iterator[ast.AST]:
    """A named argument, or a whole statement."""
    match node:
        case ast.Call(function, arguments, keywords):
            for dropped in (keyword for keyword in keywords if keyword.arg is not None):
                yield ast.Call(function, arguments, [k for k in keywords if k is not dropped])
        case ast.Return(None) | ast.Assign([ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case (
            ast.Expr(ast.Call() | ast.YieldFrom())
            | ast.AugAssign()
            | ast.Raise()
            | ast.Continue()
            | ast.Break()
        ):
            yield ast.Pass()


def _swaps(operator: ast.AST) -> tuple[type[ast.AST], ...]:
    return _SWAPS.get(type(operator), ())


def _put(tree: ast.Module, module: ModuleType, number: int, variant: Variant) -> str:
    """Makes the change in ``tree``; says in words what it is."""
    node = list(ast.walk(tree))[number]
    new = list(_variants(node, module))[variant]
    for parent in ast.walk(tree):
        for name, field in ast.iter_fields(parent):
            if field is node or (isinstance(field, list) and any(child is node for child in field)):
                shown = parent if isinstance(node, (ast.Constant, ast.Attribute)) else node
                before = _text(shown)
                if isinstance(field, list):
                    field[:] = [new if child is node else child for child in field]
                else:
                    setattr(parent, name, new)
                return _change(node, new, before, _text(new if shown is node else parent))
    raise AssertionError("a node without a parent")


def _change(node: ast.AST, new: ast.AST, before: str, after: str) -> str:
    if isinstance(node, ast.Call) and isinstance(new, ast.Call):
        (dropped,) = {str(k.arg) for k in node.keywords} - {str(k.arg) for k in new.keywords}
        return f"{ast.unparse(node.func)}() without {dropped}"
    return f"without {before}" if isinstance(new, ast.Pass) else f"{before} → {after}"


def _text(node: ast.AST) -> str:
    """The source of ``node`` in one line, within reason."""
    if isinstance(node, (ast.If, ast.IfExp)):
        return f"if {ast.unparse(node.test)}"
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
