"""What the grid says: why something is suggested, and what was filled in."""

from __future__ import annotations

from webapp.people.activation.grid_suggestions import Suggestion


def why(suggestion: Suggestion) -> str:
    """“3 of 4 people whose role in Zendesk is Tier 2 have this.”"""
    trait = suggestion.trait
    if suggestion.of == 0:
        return f"Their team in {trait.platform} is called {trait.value}."
    alike = {
        "team": f"whose team or role in {trait.platform} is {trait.value}",
        "role": f"whose role in {trait.platform} is {trait.value}",
        "title": f"whose job title in {trait.platform} is {trait.value}",
        "domain": f"with an email at {trait.value}",
    }[trait.kind]
    counted = (
        f"All {suggestion.of}"
        if suggestion.same == suggestion.of
        else f"{suggestion.same} of {suggestion.of}"
    )
    return f"{counted} people {alike} have this."


def filled_in(rows: int, *, above: bool) -> tuple[str, str]:
    """How many rows were filled in, from the row above or from suggestions: a title, and what to do now."""
    if not rows:
        return (
            f"Nothing to fill in: no empty row has {'a filled one above it' if above else 'a suggestion'}",
            "",
        )
    source = "like the one above" if above else "from suggestions"
    return (
        f"Filled in {rows} {'row' if rows == 1 else 'rows'} {source}",
        "Check them; nobody is activated yet.",
    )
