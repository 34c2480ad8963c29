"""Who calls: fast clients that call without a pause, slow ones, and a reader of the whole trail."""

import asyncio
import base64
import os
import random
import socket
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.soak.client import Client, signed

Call = tuple[str, dict[str, Any]]
CHANGE_NOTHING = frozenset(
    ("Encrypt", "Decrypt", "GenerateDataKey", "DescribeKey", "ListAliases", "ListKeys")
)
PAUSE = 0.5  # seconds between two bytes of a slow client
PIPELINED = 4  # requests that are sent together by a client that does not read


class Took(NamedTuple):
    operation: str
    at: float
    seconds: float
    status: int
    code: str


class Fast:
    """Calls one after the other: mostly cryptography, one in ten a change. It keeps few things."""

    def __init__(self, port: int, number: int, took: list[Took]) -> None:
        self._client = Client(port)
        self._number = number
        self._took = took
        self._random = random.Random(number)
        self._key = ""
        self._blobs: list[str] = []
        self._made = 0

    async def run(self, is_over: Callable[[], bool]) -> None:
        self._key = (await self._call("CreateKey"))["KeyMetadata"]["KeyId"]
        while not is_over():
            await self._step()
        self._client.close()

    async def _step(self) -> None:
        dice = self._random.random()
        if dice < 0.3 or not self._blobs:
            plaintext = base64.b64encode(os.urandom(32)).decode()
            answer = await self._call("Encrypt", KeyId=self._key, Plaintext=plaintext)
            self._blobs = [*self._blobs[-20:], answer["CiphertextBlob"]]
        elif dice < 0.5:
            await self._call("Decrypt", CiphertextBlob=self._random.choice(self._blobs))
        elif dice < 0.75:
            await self._call("GenerateDataKey", KeyId=self._key, KeySpec="AES_256")
        elif dice < 0.85:
            await self._call("DescribeKey", KeyId=self._key)
        elif dice < 0.9:
            await self._call(self._random.choice(["ListAliases", "ListKeys"]), Limit=50)
        else:
            await self._change()

    async def _change(self) -> None:
        self._made += 1
        alias, key = f"alias/soak-{self._number}-{self._made}", {"KeyId": self._key}
        match self._made % 4:
            case 0:
                await self._call("CreateAlias", AliasName=alias, TargetKeyId=self._key)
                await self._call("DeleteAlias", AliasName=alias)
            case 1:
                tags = [{"TagKey": "last", "TagValue": str(self._made)}]
                await self._call("TagResource", **key, Tags=tags)
            case 2:
                role = "arn:aws:iam::111122223333:role/reader"
                asked = {"GranteePrincipal": role, "Operations": ["Decrypt"]}
                grant = await self._call("CreateGrant", **key, **asked)
                await self._call("RevokeGrant", **key, GrantId=grant["GrantId"])
            case _:
                await self._call("UpdateKeyDescription", **key, Description=alias)

    async def _call(self, operation: str, **members: Any) -> dict[str, Any]:
        began = time.monotonic()
        answer = await self._client.call(operation, **members)
        now = time.monotonic()
        code = str(answer.members.get("__type", "")) if answer.status != 200 else ""
        self._took.append(Took(operation, now, now - began, answer.status, code))
        return answer.members


# ------------------------------------------------------------------------------------ slow clients


async def drip_head(port: int, writer: asyncio.StreamWriter) -> None:
    await _drip(writer, signed("TrentService.ListKeys", {}, port)[0])


async def drip_body(port: int, writer: asyncio.StreamWriter) -> None:
    head, body = signed("TrentService.ListKeys", {"Limit": 50}, port)
    writer.write(head)
    await _drip(writer, body)


async def never_read(port: int, writer: asyncio.StreamWriter) -> None:
    """Ask for much, and read none of it."""
    writer.write(b"".join(signed("TrentService.ListKeys", {}, port)) * PIPELINED)
    await asyncio.sleep(60)


async def never_ask(port: int, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    for byte in data:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(PAUSE)


WAYS = (drip_head, drip_body, never_read, never_ask)


async def slow(port: int, number: int) -> None:
    """Begins anew whenever the server ends its connection, until it is cancelled."""
    while True:
        try:
            own = socket.create_connection(("127.0.0.1", port))
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            # With a limit of one byte, nothing is read ahead either.
            _, writer = await asyncio.open_connection(sock=own, limit=1)
        except OSError:
            await asyncio.sleep(PAUSE)
            continue
        try:
            await WAYS[number % len(WAYS)](port, writer)
        except OSError:
            await asyncio.sleep(PAUSE)
        finally:
            writer.close()


async def read_trail(port: int, pages: list[int]) -> None:
    """Reads the whole trail, again and again, until it is cancelled."""
    client = Client(port)
    try:
        while True:
            after, more = 0, True
            while more:
                answer = await client.ask("Kmslab.Trail", {"After": after})
                assert answer.status == 200, answer
                after, more = answer.members["Last"], answer.members["More"]
                pages.append(len(answer.members["Events"]))
    finally:
        client.close()
