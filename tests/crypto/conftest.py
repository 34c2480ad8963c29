import pytest

from kmslab.crypto import Backend, pyca, pycryptodome

BACKENDS: tuple[Backend, ...] = (pyca, pycryptodome)


@pytest.fixture(scope="session", params=BACKENDS, ids=lambda backend: backend.NAME)
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.param
