"""Groups of commands whose help shows no types of flags and arguments."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

Function = TypeVar("Function", bound=Callable[..., Any])


class Command(TyperCommand):
    def get_params(self, ctx: Any) -> Any:
        return without_types(super().get_params(ctx))


class Group(TyperGroup):
    def get_params(self, ctx: Any) -> Any:
        return without_types(super().get_params(ctx))


def without_types(params: list[Any]) -> list[Any]:
    """Parameters whose help shows no type of flags, and of arguments only what they are called."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
        elif isinstance(param, TyperArgument):
            param.display_type = lambda ctx: ""  # type: ignore[method-assign]
    return params


class Commands(typer.Typer):
    """A group of commands; without a command it prints its help."""

    def __init__(self, help: str = "", cls: type[Group] = Group, **settings: Any) -> None:
        super().__init__(help=help, cls=cls, no_args_is_help=True, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Function], Function]:
        return super().command(name, cls=Command, **settings)


def imported_commands(module: str, help: str) -> Commands:
    """The commands of ``module.app``, which is imported when one of them or their help is used."""

    class ImportedGroup(Group):
        @property
        def commands(self) -> Any:
            return typer.main.get_group(import_module(module).app).commands

        @commands.setter
        def commands(self, commands: Any) -> None:
            """Ignore the empty group that Typer has built."""

    return Commands(help, ImportedGroup)
