"""``python -m bench.many_workspaces PORT PEOPLE BIG``: an Intercom of any number of workspaces.

Which one is asked for stands in the token, ``fleet-<number>``; nothing is stored. Every workspace has PEOPLE
teammates of the same names, the first one BIG. The sandbox would make each list anew, which is not what is measured.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

HOST = "127.0.0.1"
TOKEN = "fleet-"


class Workspaces(asyncio.Protocol):
    """One connection: GET /me and GET /admins, one after the other."""

    lists: dict[int, bytes]
    people: int
    big: int

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.WriteTransport = transport  # type: ignore[assignment]
        self.waiting = b""

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while b"\r\n\r\n" in self.waiting:
            head, _, self.waiting = self.waiting.partition(b"\r\n\r\n")
            self.transport.write(self.answer(head))

    def answer(self, head: bytes) -> bytes:
        path = head.split(b" ", 2)[1]
        if path == b"/healthz":
            return _answer(b"200 OK", b"{}")
        token = head.partition(b"Bearer " + TOKEN.encode())[2].partition(b"\r\n")[0]
        if not token.isdigit():
            return _answer(b"401 Unauthorized", b'{"errors":[]}')
        if path == b"/me":
            body = b'{"type":"admin","id":"1","app":{"id_code":"ws%s","name":"Workspace %s","region":"US"}}'
            return _answer(b"200 OK", body % (token, token))
        count = self.big if int(token) == 1 else self.people
        return _answer(b"200 OK", self.list_of(count))

    def list_of(self, count: int) -> bytes:
        if count not in self.lists:
            admins = [
                {
                    "type": "admin",
                    "id": f"{number}",
                    "name": f"Person {number}",
                    "email": f"person.{number}@example.com",
                    "job_title": "Support",
                    "away_mode_enabled": False,
                    "has_inbox_seat": True,
                    "team_ids": [number % 7],
                }
                for number in range(1, count + 1)
            ]
            self.lists[count] = msgspec.json.encode({"type": "admin.list", "admins": admins})
        return self.lists[count]


def _answer(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


async def serve(port: int) -> None:
    """Answer until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Workspaces, HOST, port)
    await server.serve_forever()


if __name__ == "__main__":
    Workspaces.lists = {}
    Workspaces.people, Workspaces.big = int(sys.argv[2]), int(sys.argv[3])
    asyncio.run(serve(int(sys.argv[1])))
