"""What classes and their surroundings are called, for methods that read language."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    """The texts of a suite; they belong to the data, not to a method.

    Attributes:
        classes: the prompts of each class 1..C, in order; each class has at least one.
        background: words for what is no class.
        context_words: those background words that name a context of a class of the data, such as
            "railroad" where there are trains. A method that uses them has been told what it should
            not take for the class.
    """

    classes: tuple[tuple[str, ...], ...]
    background: tuple[str, ...] = ()
    context_words: tuple[str, ...] = ()
