"""Which part of the program reads a setting: followed through its source, so that no list of it can go stale.

Followed are names, attributes, annotations and the methods of the program's own classes; nothing is imported or run.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import BaseModel

from components import settings as definitions
from components.settings import Settings

_PROGRAM = Path(definitions.__file__).parents[1]
_JUDGES = {"checks", "team_checks", "collisions", "configuration", "problems", "pulumi_files", "ignored"}
"""Modules that look at every setting, and act on none."""
_COMPOSED = "MLStack"

Path_ = tuple[str, ...]
"""Python's names from `Settings` on: `("stack", "encryption", "mode")`."""


@dataclass(frozen=True, order=True)
class Reader:
    """A component, or another class of the program, that a setting makes behave otherwise."""

    name: str
    where: str
    """`components/ml_stack.py:117`: the line that reads it."""
    makes: tuple[str, ...] = ()
    """Types of AWS resources that it declares: `aws:s3/bucket:Bucket`."""


@dataclass
class _Function:
    owner: str
    """Class, or module."""
    name: str
    makes: str | None
    """Of a method that composes the stack: the class that it returns."""
    reads: list[tuple[Path_, str]] = field(default_factory=list)
    uses: set[tuple[str, str]] = field(default_factory=set)
    """Methods and properties of the program's classes that it uses."""


@cache
def readers() -> dict[Path_, tuple[Reader, ...]]:
    """Of every setting that somebody reads."""
    source = _Source()
    found: dict[Path_, set[Reader]] = {}
    for function in source.functions.values():
        for path, where in function.reads:
            for name in source.on_behalf_of((function.owner, function.name)):
                found.setdefault(path, set()).add(Reader(name, where, source.makes(name)))
    return {path: tuple(_once(each)) for path, each in found.items()}


def _once(found: set[Reader]) -> Iterator[Reader]:
    """Where it is read first, for each reader."""
    seen = set()
    for reader in sorted(found):
        if reader.name not in seen:
            seen.add(reader.name)
            yield reader


class _Source:
    """The program's modules, read once."""

    def __init__(self) -> None:
        self.models = _models(Settings, ())
        """Settings class by the path at which a value of it stands."""
        self.classes: dict[str, ast.ClassDef] = {}
        self.fields: dict[str, dict[str, str]] = {}
        """Of a class of the program: attribute to the name of its class."""
        self.functions: dict[tuple[str, str], _Function] = {}
        self.returns: dict[str, str] = {}
        """Of functions: the name of the class that they return."""
        self._modules = {file: ast.parse(file.read_text(encoding="utf-8")) for file in _files()}
        for node in (node for tree in self._modules.values() for node in tree.body):
            if isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
            elif isinstance(node, ast.FunctionDef):
                self.returns[node.name] = _class_of(node.returns)
        self._tokens = dict(_tokens(self._modules.values()))
        for name, node in self.classes.items():
            self.fields[name] = {
                each.target.id: _class_of(each.annotation)
                for each in node.body
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
            }
        for node in self.classes.values():
            self._learn_attributes(node)
        for file, tree in self._modules.items():
            if file.stem not in _JUDGES:
                self._read_module(tree, file)

    def on_behalf_of(self, function: tuple[str, str]) -> set[str]:
        """The classes whose making comes to `function`; a class's own methods work for the class."""
        found, seen, open_ = set(), set(), [function]
        while open_:
            here = open_.pop()
            if here in seen:
                continue
            seen.add(here)
            at = self.functions[here]
            callers = [key for key, each in self.functions.items() if here in each.uses and key != here]
            if at.makes:
                found.add(at.makes)
            elif callers and at.owner in {_COMPOSED, f"{_COMPOSED}Args", *_names_of(self.models)}:
                open_ += callers
            else:
                found.add(at.owner.removesuffix("Args") if at.owner != "__main__" else "the program")
        return found

    def makes(self, name: str) -> tuple[str, ...]:
        """What the class creates, and what those create that it creates. Of the whole stack, nothing: too much."""
        if name not in self.classes or name == _COMPOSED:
            return ()
        called = {
            each.func.id
            for each in ast.walk(self.classes[name])
            if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
        }
        own = [self._tokens[each] for each in sorted(called & self._tokens.keys())]
        below = [kind for each in sorted(called & self.classes.keys() - {name}) for kind in self.makes(each)]
        return tuple(dict.fromkeys([*own, *below]))

    def _learn_attributes(self, node: ast.ClassDef) -> None:
        """`self._settings = args.settings` in a constructor says what `self._settings` is."""
        for each in node.body:
            if isinstance(each, ast.FunctionDef) and each.name == "__init__":
                known = self._parameters(each, node.name)
                for statement in ast.walk(each):
                    if isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Attribute):
                        kind = self._kind(statement.value, known)
                        if kind:
                            self.fields[node.name].setdefault(target.attr, kind)

    def _read_module(self, tree: ast.Module, file: Path) -> None:
        where = file.relative_to(_PROGRAM).as_posix()
        at_import: dict[str, str] = {}
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, ast.FunctionDef):
                        self._read(each, each.name, node.name, where, self._parameters(each, node.name))
            elif isinstance(node, ast.FunctionDef):
                self._read(node, node.name, file.stem, where, self._parameters(node, file.stem))
            else:
                self._read(node, "<module>", file.stem, where, at_import)

    def _read(self, node: ast.stmt, name: str, owner: str, where: str, known: dict[str, str]) -> None:
        function = self.functions.setdefault((owner, name), _Function(owner, name, None))
        if isinstance(node, ast.FunctionDef) and owner == _COMPOSED and name.startswith("_make"):
            made = _class_of(node.returns)
            function.makes = made if made in self.classes else None
        self._assignments(node, known)
        for each in ast.walk(node):
            if isinstance(each, ast.Attribute):
                self._note(each, known, function, f"{where}:{each.lineno}")
            elif isinstance(each, ast.Call) and owner in _names_of(self.models):
                function.reads += [(path, f"{where}:{each.lineno}") for path in self._asked_for(each, owner)]

    def _asked_for(self, call: ast.Call, owner: str) -> Iterator[Path_]:
        """`given.get("profile")` in a settings class, before there are values with attributes."""
        if isinstance(call.func, ast.Attribute) and call.func.attr == "get" and isinstance(call.args[0], ast.Constant):
            for path in self._paths(owner):
                for name, each in self.models[path].model_fields.items():
                    if call.args[0].value == each.alias:
                        yield (*path, name)

    def _note(self, each: ast.Attribute, known: dict[str, str], function: _Function, where: str) -> None:
        kind = self._kind(each.value, known)
        if kind is None:
            return
        for path in self._paths(kind):
            model = self.models[path]
            if each.attr in model.model_fields:
                function.reads.append(((*path, each.attr), where))
        if each.attr in _methods(self.classes.get(kind.partition("@")[0])):
            function.uses.add((kind.partition("@")[0], each.attr))

    def _assignments(self, node: ast.AST, known: dict[str, str]) -> None:
        for each in ast.walk(node):
            if isinstance(each, ast.Assign):
                target, value = each.targets[0], each.value
                pairs = (
                    zip(target.elts, value.elts, strict=True)
                    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                    else [(target, value)]
                )
                for name, said in pairs:
                    if isinstance(name, ast.Name) and (kind := self._kind(said, known)):
                        known[name.id] = kind

    def _parameters(self, node: ast.FunctionDef, owner: str) -> dict[str, str]:
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        known = {each.arg: _class_of(each.annotation) for each in every if each.annotation is not None}
        if every and every[0].arg in ("self", "cls") and owner in self.classes:
            known[every[0].arg] = owner
        return known

    def _kind(self, node: ast.expr, known: dict[str, str]) -> str | None:
        """What an expression is: a class's name; of settings, with the path: `RoleSettings@stack.roles`."""
        if isinstance(node, ast.Name):
            return known.get(node.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.returns.get(node.func.id)
        if not isinstance(node, ast.Attribute):
            return None
        base = self._kind(node.value, known)
        if base is None:
            return None
        for path in self._paths(base):
            if (*path, node.attr) in self.models:
                return f"{self.models[(*path, node.attr)].__name__}@{'.'.join((*path, node.attr))}"
        return self.fields.get(base.partition("@")[0], {}).get(node.attr)

    def _paths(self, kind: str) -> list[Path_]:
        """Where in the settings a value of that kind stands: everywhere that its class does, unless it is said."""
        name, _, path = kind.partition("@")
        if path:
            return [tuple(path.split("."))]
        return [each for each, model in self.models.items() if model.__name__ == name]


def _tokens(modules: Iterable[ast.Module]) -> Iterator[tuple[str, str]]:
    """Pulumi's type by class name: `from pulumi_aws.s3 import Bucket` is `aws:s3/bucket:Bucket`."""
    for node in (node for tree in modules for node in tree.body):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("pulumi_aws."):
            for each in node.names:
                service = node.module.partition(".")[2]
                yield each.name, f"aws:{service}/{each.name[0].lower()}{each.name[1:]}:{each.name}"


def _files() -> list[Path]:
    program = _PROGRAM / "__main__.py"
    return [*sorted((_PROGRAM / "components").glob("*.py")), *([program] if program.is_file() else [])]


def _models(model: type[BaseModel], path: Path_) -> dict[Path_, type[BaseModel]]:
    found = {path: model}
    for name, each in model.model_fields.items():
        if isinstance(each.annotation, type) and issubclass(each.annotation, BaseModel):
            found |= _models(each.annotation, (*path, name))
    return found


def _names_of(models: dict[Path_, type[BaseModel]]) -> set[str]:
    return {model.__name__ for model in models.values()}


def _methods(node: ast.ClassDef | None) -> set[str]:
    return {each.name for each in node.body if isinstance(each, ast.FunctionDef)} if node else set()


def _class_of(annotation: ast.expr | None) -> str:
    """`EncryptionKey` of `EncryptionKey | None`."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    if isinstance(annotation, ast.BinOp):
        return _class_of(annotation.left)
    return annotation.id if isinstance(annotation, ast.Name) else ""
