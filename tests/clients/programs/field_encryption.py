"""MongoDB's client-side field level encryption with a data key that AWS KMS protects.

No MongoDB server is needed: the key vault, a collection of documents, is kept in memory here. All
else is pymongo's and libmongocrypt's, the TLS connections to the KMS included.
"""

import json
import os
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.encryption import Algorithm, ClientEncryption
from pymongo.errors import EncryptionError

UNKNOWN = "00000000-0000-4000-8000-000000000000"
DETERMINISTIC = Algorithm.AEAD_AES_256_CBC_HMAC_SHA_512_Deterministic


class Collection:
    def __init__(self):
        self.documents = {}

    def with_options(self, **options):
        return self

    def insert_one(self, document):
        self.documents[document["_id"]] = document

    @contextmanager
    def find(self, query):
        by_id = next(part["_id"] for part in query["$or"] if "_id" in part)
        yield [self.documents[each] for each in by_id["$in"] if each in self.documents]


class MongoClient(dict):
    """pymongo accepts a client of its own class, or one that is called so."""

    def __missing__(self, name):
        self[name] = MongoClient() if name == "vault" else Collection()
        return self[name]


def encryption(vault):
    names = {"accessKeyId": "AWS_ACCESS_KEY_ID", "secretAccessKey": "AWS_SECRET_ACCESS_KEY"}
    return ClientEncryption(
        {"aws": {member: os.environ[name] for member, name in names.items()}},
        "vault.keys",
        vault,
        CodecOptions(),
        kms_tls_options={"aws": {"tlsCAFile": os.environ["AWS_CA_BUNDLE"]}},
    )


def main(key):
    vault = MongoClient()
    endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL_KMS"]).netloc
    master_key = {"region": os.environ["AWS_REGION"], "key": key, "endpoint": endpoint}
    with encryption(vault) as writer:
        data_key = writer.create_data_key("aws", master_key)
        sealed = [writer.encrypt(text, DETERMINISTIC, data_key) for text in ("card 4242", "환자")]
        try:
            writer.create_data_key("aws", master_key | {"key": key[:-36] + UNKNOWN})
            refused = ""
        except EncryptionError as error:
            refused = str(error)
    with encryption(vault) as reader:  # it has no data key in its cache
        opened = [reader.decrypt(each) for each in sealed]
    stored = RawBSONDocument(vault["vault"]["keys"].documents[data_key].raw)
    return {
        "opened": opened,
        "sealed": [each.hex() for each in sealed],
        "provider": stored["masterKey"]["provider"],
        "refused": refused,
    }


json.dump(main(sys.argv[1]), sys.stdout)
