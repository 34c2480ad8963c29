"""`Lab`: an empty AWS of your own, with its own store, clock and boundary.

A lab is also a view of itself: that of the account's root user in the lab's Region.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from kmslab.clock import Clock
from kmslab.crypto import Backend
from kmslab.crypto.self_tested import BACKENDS
from kmslab.kms import reports
from kmslab.kms import store as stores
from kmslab.kms.arn import root_arn
from kmslab.kms.backing import KeyStoreBacking
from kmslab.kms.backing.cloudhsm import CloudHsm, Clusters
from kmslab.kms.backing.passphrase import Passphrase
from kmslab.kms.backing.recipients import Recipients
from kmslab.kms.backing.startup import started
from kmslab.kms.backing.xks import Xks
from kmslab.kms.clock_offset import StoredOffset
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.key_stores import StoreType
from kmslab.kms.contract.specs import Origin
from kmslab.kms.iam import Iam, account_number, region_name
from kmslab.kms.names import KEY_ID
from kmslab.kms.operations.keys import MULTI_REGION
from kmslab.kms.service import Service
from kmslab.kms.throttle import Throttle
from kmslab.lab import ACCOUNT, REGION
from kmslab.lab.integrations import Integrations
from kmslab.lab.view import View

if TYPE_CHECKING:  # few labs have a seed or a trail file, so these are loaded when needed
    from kmslab.kms.backing.new_root_key import NewRootKey
    from kmslab.kms.backing.rekeying import Rekeyed
    from kmslab.kms.backups import Contents
    from kmslab.kms.trail_file import TrailFile
    from kmslab.lab.seeding import Planted, Seed


class Lab(View):
    """An empty AWS of your own: in memory, in a file with its root key beside it, or in PostgreSQL.

    `store`: None for memory, `sqlite:///my.db` or `postgresql://user@host/database`. `root_key`:
    the file of the root key, for PostgreSQL or if it is not beside the store's file; or a
    `Passphrase` that it is made from. `clock`: the clock on which the lab's own clock is based, by
    default wall time. `ids`: a function of no arguments that returns the id of each new key, a UUID
    in lower case; in memory only, since ids in a file would repeat. `backends`: the cryptographic
    libraries, the preferred one first.
    `throttle`: whether AWS's request quotas are enforced. `trail`: a file to which every event is
    appended as a line of JSON. Raises `StoreError` or `RootKeyError` if the store cannot be opened,
    OSError if that file cannot.
    """

    def __init__(
        self,
        store: str | None = None,
        clock: Clock | None = None,
        ids: Callable[[], str] | None = None,
        account: str = ACCOUNT,
        region: str = REGION,
        backends: tuple[Backend, ...] = BACKENDS,
        throttle: bool = False,
        trail: str | Path | None = None,
        root_key: str | Path | Passphrase | None = None,
    ) -> None:
        if root_key is not None and store is None:
            raise ValueError("a lab in memory has a root key of its own")
        if ids is not None and store is not None:
            raise ValueError(
                "ids can be chosen for a lab in memory only: in a file they would repeat"
            )
        caller = Caller(root_arn(account_number(account)), account, region_name(region))
        self._store = stores.open_store(store)
        try:
            given = Path(root_key) if root_key and isinstance(root_key, str) else root_key or None
            hsm = started(self._store, given, backends)
            own = (clock or Clock()).kept_in(StoredOffset(self._store))
            copy = _trail_file(trail) if trail else None
        except BaseException:
            self._store.close()
            raise
        self._hsm, self._root_key = hsm, given
        quotas = Throttle() if throttle else None
        new_id = _checked(ids) if ids else _uuid
        recipients = Recipients(self._store, hsm.domain_keys)
        clusters = Clusters(self._store)
        key_stores: dict[StoreType, KeyStoreBacking] = {
            StoreType.AWS_CLOUDHSM: CloudHsm(hsm, clusters),
            StoreType.EXTERNAL_KEY_STORE: Xks(hsm),
        }
        backings = {Origin.AWS_KMS: hsm, Origin.EXTERNAL: hsm}
        service = Service(self._store, backings, key_stores, own, new_id, recipients, quotas)
        if copy:
            reports.copy_trail(self._store, copy.write)
        iam = Iam(self._store, hsm, own.now)
        super().__init__(service, iam, Integrations(service, clusters), caller, own)

    @classmethod
    def from_seed(
        cls,
        path: str | Path,
        store: str | None = None,
        account: str | None = None,
        region: str | None = None,
        **options: Any,
    ) -> Self:
        """A lab that has everything a file declares: users, access keys, keys with their ids.

        `account`, `region`: those of the lab, by default the file's. `options`: as for `Lab`.
        Raises `SeedError` if the file is wrong; then nothing has been made.
        """
        from kmslab.lab import seeding

        seed = seeding.read(Path(path), account or ACCOUNT, region or REGION)
        lab = cls(store, account=account or seed.account, region=region or seed.region, **options)
        try:
            lab._plant(seed)
        except BaseException:
            lab.close()
            raise
        return lab

    def seed(self, path: str | Path) -> "Planted":
        """Make everything a file declares, or nothing; returns a table of what was made.

        What exists already stays as it is. Raises `SeedError`. `docs/seeds.md` describes the file.
        """
        from kmslab.lab import seeding

        here = self.caller
        return self._plant(seeding.read(Path(path), here.account, here.region))

    def _plant(self, seed: "Seed") -> "Planted":
        from kmslab.lab import seeding

        keys, now = self.iam.access_keys, self.clock.now
        return seeding.plant(
            seed, seeding.SeedTarget(self._store, self.service.own_acts, keys, now)
        )

    def backup(self, file: str | Path, overwrite: bool = False) -> "Contents":
        """Write everything to a file, sealed under the root key, while the lab goes on serving.

        `kmslab.kms.backups.restore` makes a store of it. Both the file and the root key are needed.
        """
        from kmslab.kms.backups import backup

        return backup(self._store, self._hsm, file, overwrite)

    def rekey(self) -> "Rekeyed":
        """Seal everything anew, under new domain keys, while this and other processes go on."""
        from kmslab.kms.backing.rekeying import rekey

        return rekey(self._store, self._hsm, self.clock.now())

    def change_root_key(self, new: str | Path | Passphrase | None = None) -> "NewRootKey":
        """Wrap all domain keys under a new root key: made from a passphrase, or in a file.

        None: in a file where the root key of a store in a file is by default, or was named.
        """
        from kmslab.kms.backing.new_root_key import change_root_key

        given = Path(new) if isinstance(new, str) else new
        changed = change_root_key(self._store, self._hsm, self._root_key, given)
        self._root_key = given if isinstance(given, Passphrase) else changed.file
        return changed

    def close(self) -> None:
        """Store the waiting events, and close the store. Later calls raise `StoreError`."""
        self._store.close()

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """What happens within `with lab.rehearsal():` is undone, the trail too. In memory only."""
        from kmslab.kms.store.rehearsal import rehearsal

        with rehearsal(self._store), self._integrations.rehearsal():
            yield

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _trail_file(path: str | Path) -> "TrailFile":
    from kmslab.kms.trail_file import TrailFile

    return TrailFile(path)


def _uuid() -> str:
    return str(uuid4())


def _checked(ids: Callable[[], str]) -> Callable[[], str]:
    """Refuses ids of another form: an alias could look the same, and blobs could not hold them.

    It refuses an id that repeats too, since another is asked for when an id is taken.
    """
    given: set[str] = set()

    def new_id() -> str:
        name = ids()
        if name in given:
            raise RuntimeError(f"{name} exists already: key ids must not repeat")
        if not KEY_ID.fullmatch(name) or name.startswith(MULTI_REGION):
            raise ValueError(f"{name!r} is not a key id: ids has to return UUIDs in lower case")
        given.add(name)
        return name

    return new_id
