"""From `--key` to keyrings. A key is used in the Region that its ARN names."""

from typing import TYPE_CHECKING, Any

from kmslab.cli.options import validate

if TYPE_CHECKING:
    from kmslab.cli.opening import OpenedKms
    from kmslab.envelope import Keyring


class EachRegion:
    """A KMS client that asks each key's own Region."""

    def __init__(self, opened_kms: "OpenedKms") -> None:
        self._opened = opened_kms

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            return getattr(self._client(request["KeyId"]), operation)(**request)

        return call

    def _client(self, key: str) -> Any:
        region = key.split(":")[3] if key.count(":") >= 5 else self._opened.region
        return self._opened.kms if region == self._opened.region else self._opened.in_region(region)


def keyrings(opened_kms: "OpenedKms", keys: list[str], multi_region: bool) -> "list[Keyring]":
    """One for each key. An alias and a key's id are looked up once, with DescribeKey."""
    from kmslab.envelope import KmsKeyring

    client = EachRegion(opened_kms)
    arns = [_arn(client, key) for key in keys]
    return [
        validate("--key", lambda arn: KmsKeyring(client, arn, multi_region=multi_region), arn)
        for arn in arns
    ]


def discovery(opened_kms: "OpenedKms", accounts: list[str]) -> "list[Keyring]":
    from kmslab.envelope import KmsDiscoveryKeyring

    partition = getattr(getattr(opened_kms.kms, "meta", None), "partition", "aws")
    client = EachRegion(opened_kms)

    def made(accounts: Any) -> KmsDiscoveryKeyring:
        return KmsDiscoveryKeyring(client, accounts=accounts, partition=partition)

    return [validate("--account", made, accounts)]


def _arn(client: EachRegion, key: str) -> str:
    if ":key/" in key:
        return key
    return str(client.describe_key(KeyId=key)["KeyMetadata"]["Arn"])
