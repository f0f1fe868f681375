"""A contract's teams as a tree, and where a team may go. Pure: nothing is read or written here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from webapp.core.models.team import MAX_LEVELS, TEAM_NAME_LENGTH
from webapp.core.names import look_key, name_problem
from webapp.people.directory.directory import PATH_SIGN

TOP = "the top level"


class StructureRefused(Exception):
    """The tree cannot be changed like that. ``field`` is what to choose differently, the text says why."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True)
class Node:
    """One team; ``archived`` says nothing about those above it."""

    id: int
    parent_id: int | None
    name: str
    archived: bool = False


class Tree:
    """All teams of a contract. Raises ``LookupError`` for a team that is not among them."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._nodes = {node.id: node for node in nodes}
        self._below: dict[int | None, list[Node]] = {}
        for node in self._nodes.values():
            self._below.setdefault(node.parent_id, []).append(node)
        for siblings in self._below.values():
            siblings.sort(key=lambda node: (node.name.casefold(), node.id))
        self._levels: dict[int, int] = {}
        self._archived: set[int] = set()
        for node in self._walk(None):
            above = node.parent_id
            self._levels[node.id] = 1 if above is None else self._levels[above] + 1
            if node.archived or above in self._archived:
                self._archived.add(node.id)

    def __iter__(self) -> Iterator[Node]:
        """Every team from top to bottom, siblings by name."""
        return iter([self._nodes[node_id] for node_id in self._levels])

    def __len__(self) -> int:
        return len(self._nodes)

    def node(self, team_id: int) -> Node:
        return self._nodes[team_id]

    def level(self, team_id: int) -> int:
        """1 for a team at the top."""
        return self._levels[team_id]

    def is_archived(self, team_id: int) -> bool:
        """Whether the team, or one above it, is archived."""
        return team_id in self._archived

    def children(self, team_id: int | None) -> list[Node]:
        return list(self._below.get(team_id, []))

    def above(self, team_id: int) -> list[Node]:
        """The teams above, the top one first."""
        found = []
        parent = self._nodes[team_id].parent_id
        while parent is not None:
            found.append(self._nodes[parent])
            parent = self._nodes[parent].parent_id
        return found[::-1]

    def path(self, team_id: int) -> str:
        """The team's name after those above it."""
        return PATH_SIGN.join([*(node.name for node in self.above(team_id)), self._nodes[team_id].name])

    def place(self, parent_id: int | None) -> str:
        """Where a team with that parent is, in words."""
        return TOP if parent_id is None else self.path(parent_id)

    def with_below(self, team_id: int) -> list[int]:
        """The team and every one below it, from top to bottom."""
        return [self._nodes[team_id].id, *(node.id for node in self._walk(team_id))]

    def height(self, team_id: int) -> int:
        """How many levels the team and those below it take: 1 without any below."""
        return max(self._levels[one] for one in self.with_below(team_id)) - self._levels[team_id] + 1

    def left_without(self, team_ids: Iterable[int]) -> list[Node]:
        """The teams in use apart from those, from top to bottom."""
        without = self._archived.union(team_ids)
        return [node for node in self if node.id not in without]

    def open_places(self, moving: int | None = None) -> list[Node]:
        """The teams below which a new team, or the one that is moving, may go."""
        height = 1 if moving is None else self.height(moving)
        within = set() if moving is None else set(self.with_below(moving))
        return [
            node
            for node in self
            if node.id not in within
            and node.id not in self._archived
            and self._levels[node.id] + height <= MAX_LEVELS
        ]

    # ------------------------------------------------------------------ refusing
    def check_name(self, name: str, parent_id: int | None, but: int | None = None) -> None:
        """Raise :class:`StructureRefused` unless ``name`` (tidied) may be one below ``parent_id``."""
        if problem := name_problem(name, *TEAM_NAME_LENGTH):
            raise StructureRefused("name", problem)
        if there := self._namesake(name, parent_id, but):
            raise StructureRefused("name", f"{there} Choose another name.")

    def _namesake(self, name: str, parent_id: int | None, but: int | None) -> str | None:
        """The sentence about another team below ``parent_id`` that is called so, or ``None``."""
        key = look_key(name)
        for node in self.children(parent_id):
            if node.id != but and look_key(node.name) == key:
                kind = "an archived team" if self.is_archived(node.id) else "a team"
                return f"{node.name} is {kind} there already."
        return None

    def check_place(self, parent_id: int | None, moving: int | None = None) -> None:
        """Raise :class:`StructureRefused` unless a new team, or the one that is moving, may go there."""
        height = 1 if moving is None else self.height(moving)
        if parent_id is None:
            return
        if parent_id not in self._nodes:
            raise StructureRefused("parent", "That team is not there any more. Choose another one.")
        if moving is not None and parent_id in self.with_below(moving):
            raise StructureRefused("parent", "A team cannot go below itself. Choose another one.")
        if parent_id in self._archived:
            raise StructureRefused("parent", f"{self.path(parent_id)} is archived. Choose another team.")
        deepest = self._levels[parent_id] + height
        if deepest > MAX_LEVELS:
            raise StructureRefused(
                "parent",
                f"That would make {deepest} levels, and {MAX_LEVELS} are the most. Choose a team further up.",
            )

    def moved(self, team_id: int, parent_id: int | None) -> int:
        """By how many levels the team and all below it sink when it goes there (negative: rise).

        Raises :class:`StructureRefused` when it cannot.
        """
        if self.is_archived(team_id):
            raise StructureRefused("parent", "An archived team cannot be moved. Bring it back first.")
        self.check_place(parent_id, team_id)
        if there := self._namesake(self._nodes[team_id].name, parent_id, but=team_id):
            raise StructureRefused("parent", f"{there} Choose another place, or rename one of them first.")
        new = 1 if parent_id is None else self._levels[parent_id] + 1
        return new - self._levels[team_id]

    def _walk(self, team_id: int | None) -> Iterator[Node]:
        for node in self._below.get(team_id, []):
            yield node
            yield from self._walk(node.id)
