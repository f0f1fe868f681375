"""The tree alone: whatever is asked of it in whatever order, it stays a tree of at most seven levels."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.administration.structure.tree import Node, StructureRefused, Tree

TEAMS = 9
steps = st.lists(st.tuples(st.integers(1, TEAMS), st.none() | st.integers(1, TEAMS)), max_size=30)


@settings(max_examples=200)
@given(steps)
def test_after_any_moves_it_is_still_a_tree(moves: list[tuple[int, int | None]]) -> None:
    """Each team is reached from the top exactly once, on the level that its parent says, names apart."""
    parents: dict[int, int | None] = {1: None} | {number: number - 1 for number in range(2, 6)}
    parents |= dict.fromkeys(range(6, TEAMS + 1), 5)
    levels = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5} | dict.fromkeys(range(6, TEAMS + 1), 6)
    for team, parent in moves:
        tree = tree_of(parents)
        try:
            sinks = tree.moved(team, parent)
        except StructureRefused:
            loops = parent is not None and parent in tree.with_below(team)
            deep = parent is not None and tree.level(parent) + tree.height(team) > 7
            same = parents[team] != parent and any(
                name_of(node.id) == name_of(team) and node.id != team for node in tree.children(parent)
            )
            assert loops or deep or same
            continue
        for one in tree.with_below(team):
            levels[one] += sinks
        parents[team] = parent
        after = tree_of(parents)
        assert len(list(after)) == TEAMS  # nothing is cut off in a circle
        assert {node.id: after.level(node.id) for node in after} == levels
        assert max(levels.values()) <= 7
        siblings = [(node.parent_id, node.name) for node in after]
        assert len(set(siblings)) == len(siblings)


def name_of(team: int) -> str:
    """Two of them carry each name."""
    return f"Team {team % 5}"


def tree_of(parents: dict[int, int | None]) -> Tree:
    return Tree(Node(team, parent, name_of(team)) for team, parent in parents.items())


UNSEEN = [
    "Leeds\u200b",
    "\u202eabc",
    "\u200e\u200f\u2066",
    "\u200d\u200d\u200d",
    "\u3164\u3164\u3164",
    "\u0301\u0302\u0303",
    "soft\xadhyphen",
    "\ufeffmark",
]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ab", "Enter a name of 3 to 255 characters."),
        ("x" * 256, "Enter a name of 3 to 255 characters."),
        ("Nul\0l", "Take out the characters that cannot be seen."),
        ("LEEDS", "Leeds is a team there already. Choose another name."),
        ("Ｌeeds", "Leeds is a team there already. Choose another name."),
        ("porto", "Porto is an archived team there already. Choose another name."),
        ("Leeds\u200d", "Leeds is a team there already. Choose another name."),
        ("Leeds\ufe0f", "Leeds is a team there already. Choose another name."),
        *((name, "Take out the characters that cannot be seen.") for name in UNSEEN),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_the_reason(name: str, says: str) -> None:
    tree = Tree([Node(1, None, "All"), Node(2, 1, "Leeds"), Node(3, 1, "Porto", archived=True)])
    with pytest.raises(StructureRefused) as refused:
        tree.check_name(name, 1)
    assert str(refused.value) == says
    tree.check_name("abc" if "Enter" in says or "Take out" in says else name, 2)


def test_a_move_to_where_a_team_is_called_so_says_what_helps() -> None:
    nodes = [Node(1, None, "All"), Node(2, 1, "Choose me"), Node(3, 1, "Porto"), Node(4, 3, "Choose Me")]
    with pytest.raises(StructureRefused) as refused:
        Tree(nodes).moved(2, 3)
    assert refused.value.field == "parent"
    assert str(refused.value) == (
        "Choose Me is a team there already. Choose another place, or rename one of them first."
    )
    hidden = [*nodes[:3], Node(5, 1, "Old\u200bname")]  # from before such names were refused
    assert Tree(hidden).moved(5, 3) == 1


@pytest.mark.parametrize(
    "name", ["नमस्ते टीम", "می\u200cخواهم", "👩\u200d🚀 crew", "❤\ufe0f care", "ÅÄÖ", "A\u0301bc"]
)
def test_a_name_of_any_script_or_with_an_emoji_is_taken(name: str) -> None:
    Tree([Node(1, None, "All")]).check_name(name, 1)
