"""What can go wrong between KMS and an external key store's proxy, and what AWS says about it.

The text tells what happened. The exception depends on the call: a cryptographic operation always
answers KMSInvalidStateException.
Sources: AWS KMS developer guide, "Troubleshooting external key stores"; AWS KMS External Key Store
Proxy API Specification, "Error codes", for the texts of throttling and internal errors.
"""

from typing import NamedTuple


class Trouble(NamedTuple):
    text: str
    managing: str  # the exception of CreateCustomKeyStore and UpdateCustomKeyStore
    connection: str  # ConnectionErrorCode, if connecting fails
    creating: str = "CustomKeyStoreInvalidStateException"  # the exception of CreateKey


class ProxyError(Exception):
    """The proxy did not do what KMS asked for."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.text)
        self.trouble = trouble


REJECTED = "The external key store proxy rejected the request because"
UNREACHABLE = "XksProxyUriUnreachableException"
INVALID = "XksProxyInvalidResponseException"
MISCONFIGURED = "XksProxyInvalidConfigurationException"
BAD_KEY = "XksKeyInvalidConfigurationException"

NO_CONNECTION = Trouble(
    "AWS KMS cannot communicate with the external key store proxy. This might be a transient "
    "network issue. If you see this error repeatedly, verify that your external key store proxy is "
    "active and is connected to the network, and that its endpoint URI is correct in your external "
    "key store.",
    UNREACHABLE,
    "XKS_PROXY_NOT_REACHABLE",
)
NO_TLS = Trouble(
    "AWS KMS cannot establish a TLS connection to the external key store proxy. Verify the TLS "
    "configuration, including its certificate.",
    MISCONFIGURED,
    "XKS_PROXY_INVALID_TLS_CONFIGURATION",
)
TIMED_OUT = Trouble(
    "AWS KMS rejected the request because the external key store proxy did not respond in time. "
    "Retry the request. If you see this error repeatedly, report it to your external key store "
    "proxy administrator.",
    UNREACHABLE,
    "XKS_PROXY_TIMED_OUT",
)
UNINTELLIGIBLE = Trouble(
    "AWS KMS cannot interpret the response from the external key store proxy. If you see this "
    "error repeatedly, consult your external key store proxy administrator.",
    INVALID,
    "XKS_PROXY_INVALID_RESPONSE",
)
UNHEALTHY = Trouble(
    "The external key store proxy is in an unhealthy state. If you see this message repeatedly, "
    "notify your external key store proxy administrator.",
    UNREACHABLE,
    "XKS_PROXY_NOT_REACHABLE",
)

# The proxy's own errors, by their `errorName`.
ANSWERED: dict[str, Trouble] = {
    "ValidationException": UNINTELLIGIBLE,
    "InvalidStateException": Trouble(
        f"{REJECTED} the external key is not enabled in the external key manager.",
        INVALID,
        "XKS_PROXY_NOT_REACHABLE",
        BAD_KEY,
    ),
    "InvalidCiphertextException": Trouble(
        f"{REJECTED} the specified ciphertext or additional authenticated data is corrupted, "
        "missing, or otherwise invalid.",
        INVALID,
        "XKS_PROXY_INVALID_RESPONSE",
    ),
    "InvalidKeyUsageException": Trouble(
        f"{REJECTED} the external key does not support the requested operation.",
        INVALID,
        "XKS_PROXY_INVALID_RESPONSE",
        BAD_KEY,
    ),
    "AuthenticationFailedException": Trouble(
        f"{REJECTED} it could not authenticate AWS KMS. Verify the credentials for your external "
        "key store and update if necessary.",
        "XksProxyIncorrectAuthenticationCredentialException",
        "INVALID_CREDENTIALS",
    ),
    "AccessDeniedException": Trouble(
        "The external key store proxy denied access to the operation. Verify that the user and the "
        "external key are both authorized for this operation, and try the request again.",
        MISCONFIGURED,
        "XKS_PROXY_ACCESS_DENIED",
    ),
    "KeyNotFoundException": Trouble(
        f"{REJECTED} it could not find the external key.",
        INVALID,
        "XKS_PROXY_INVALID_RESPONSE",
        "XksKeyNotFoundException",
    ),
    "InvalidUriPathException": Trouble(
        "The external key store proxy rejected the request because of an invalid URI path. Verify "
        "the URI path for your external key store and update if necessary.",
        MISCONFIGURED,
        "XKS_PROXY_INVALID_CONFIGURATION",
    ),
    "UnsupportedOperationException": Trouble(
        f"{REJECTED} it does not support the requested cryptographic operation.",
        INVALID,
        "XKS_PROXY_INVALID_RESPONSE",
        "UnsupportedOperationException",
    ),
    "DependencyTimeoutException": Trouble(
        "The external key store proxy did not respond to the request in the time allotted. Retry "
        "the request. If you see this error repeatedly, report it to your external key store proxy "
        "administrator.",
        UNREACHABLE,
        "XKS_PROXY_TIMED_OUT",
    ),
    "ThrottlingException": Trouble(
        "The external key store proxy rejected the request due to a very high request rate. Reduce "
        "the frequency of your calls using KMS keys in this external key store.",
        UNREACHABLE,
        "XKS_PROXY_NOT_REACHABLE",
    ),
    "InternalException": Trouble(
        f"{REJECTED} it cannot communicate with the external key manager. Verify that the external "
        "key store proxy configuration is correct and that the external key manager is available.",
        INVALID,
        "XKS_PROXY_NOT_REACHABLE",
    ),
}

# What KMS itself says of an external key, by the member of its metadata, and of what was opened.
WRONG_KEY: dict[str, str] = {
    "keySpec": "The key spec of the external key must be AES_256. The key spec of specified "
    "external key is {}.",
    "keyStatus": "The status of the external key must be ENABLED. The status of specified external "
    "key is {}.",
    "keyUsage": "The key usage of the external key must include ENCRYPT and DECRYPT. The key use "
    "of specified external key is {}.",
}
WRONG_INSIDE = (
    "The ciphertext that the external key store proxy submitted for decryption, or the encryption "
    "context, is corrupted, missing, or otherwise invalid."
)
