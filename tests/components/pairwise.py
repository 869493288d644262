"""Few combinations of choices in which every two of them meet: a full product would be thousands of stacks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations, product

Combination = dict[str, str]


def pairwise(choices: Mapping[str, Sequence[str]], allowed: Callable[[Combination], bool]) -> list[Combination]:
    """Every pair of choices that some allowed combination holds is in one of the answers.

    Greedy: each answer is grown around a pair that is still open, by the choices that close most others. `allowed` is
    asked for whole combinations.
    """
    names = list(choices)
    open_pairs = {
        frozenset(pair)
        for one, other in combinations(names, 2)
        for pair in product(((one, each) for each in choices[one]), ((other, each) for each in choices[other]))
    }
    answers: list[Combination] = []
    while open_pairs:
        seed = sorted(open_pairs, key=sorted)[0]
        grown = _grown(dict(seed), [name for name in names if name not in dict(seed)], choices, allowed, open_pairs)
        if grown is None:
            open_pairs.discard(seed)  # no allowed combination holds it
            continue
        open_pairs -= {frozenset(pair) for pair in combinations(grown.items(), 2)}
        answers.append({name: grown[name] for name in names})
    return answers


def _grown(
    chosen: Combination,
    left: list[str],
    choices: Mapping[str, Sequence[str]],
    allowed: Callable[[Combination], bool],
    open_pairs: Iterable[frozenset[tuple[str, str]]],
) -> Combination | None:
    """`chosen`, completed; goes back where nothing is allowed any more."""
    if not left:
        return chosen if allowed(chosen) else None
    name, rest = left[0], left[1:]

    def closes(choice: str) -> int:
        return sum(frozenset(((name, choice), other)) in open_pairs for other in chosen.items())

    for choice in sorted(choices[name], key=closes, reverse=True):
        grown = _grown({**chosen, name: choice}, rest, choices, allowed, open_pairs)
        if grown is not None:
            return grown
    return None
