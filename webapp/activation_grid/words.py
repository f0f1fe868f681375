"""Why something is suggested, as a sentence."""

from __future__ import annotations

from webapp.activation_grid.suggesting import Suggestion


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
