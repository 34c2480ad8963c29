"""aiobotocore at an endpoint: many calls at once on one client. Prints what it met, as JSON."""

import asyncio
import json
import sys

from aiobotocore.session import get_session
from botocore.exceptions import ClientError

AT_ONCE = 60


async def met(call) -> str:
    try:
        await call
    except ClientError as error:
        return str(error)
    return ""


async def main() -> dict:
    async with get_session().create_client("kms") as kms:
        key = (await kms.create_key(Description="at once"))["KeyMetadata"]["KeyId"]

        async def round_trip(number: int) -> bool:
            context, plaintext = {"number": str(number)}, b"card %d" % number
            sealed = await kms.encrypt(KeyId=key, Plaintext=plaintext, EncryptionContext=context)
            blob = sealed["CiphertextBlob"]
            opened = await kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
            return opened["Plaintext"] == plaintext

        async def rename(number: int) -> bool:
            name = f"alias/at-once-{number}"
            await kms.create_alias(AliasName=name, TargetKeyId=key)
            return (await kms.describe_key(KeyId=name))["KeyMetadata"]["KeyId"] == key

        trips = [round_trip(number) for number in range(AT_ONCE)]
        names = [rename(number) for number in range(7)]
        right = await asyncio.gather(*trips, *names)
        pages = kms.get_paginator("list_aliases").paginate(
            KeyId=key, PaginationConfig={"PageSize": 3}
        )
        aliases = [[alias["AliasName"] for alias in page["Aliases"]] async for page in pages]
        pairs = [
            kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256") for _ in range(4)
        ]
        public = [pair["PublicKey"] for pair in await asyncio.gather(*pairs)]
        refused = await met(kms.encrypt(KeyId="alias/nobody", Plaintext=b"x"))
        await kms.disable_key(KeyId=key)
        disabled = await met(kms.encrypt(KeyId=key, Plaintext=b"x"))
    return {
        "key": key,
        "right": right,
        "aliases": aliases,
        "pairs": len(set(public)),
        "refused": refused,
        "disabled": disabled,
    }


json.dump(asyncio.run(main()), sys.stdout)
