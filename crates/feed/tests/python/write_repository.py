"""Writes a repository with python-tuf, as it is published over time.

    write_repository.py FOLDER

FOLDER/1, FOLDER/2, … become the whole repository at each of these times:

1. Two of three root keys (Ed25519, ECDSA, RSA) sign. `targets` hands ACME-* to the role `acme`,
   which two keys must sign, and everything else to `rest`. Three keys of three kinds must sign the
   snapshot.
2. One root key and the timestamp's key are others now, signed for by the old keys and the new. One
   file is changed and one is added, both by `acme`.
3. `acme` says something new, and one of its two keys has signed.
"""

import copy
import pathlib
import sys
from datetime import datetime, timedelta, timezone

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

ED25519 = CryptoSigner.generate_ed25519
ECDSA = CryptoSigner.generate_ecdsa
RSA = CryptoSigner.generate_rsa


class Repository:
    """The metadata, who signs it, and the files."""

    def __init__(self):
        expires = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=30)
        self.signed = {
            "root": Root(expires=expires),
            "timestamp": Timestamp(expires=expires),
            "snapshot": Snapshot(expires=expires),
            "targets": Targets(expires=expires),
            "acme": Targets(expires=expires),
            "rest": Targets(expires=expires),
        }
        self.signers = {role: [] for role in self.signed}
        self.roots = []
        self.history = {}
        self.files = {}

    def let_sign(self, role, signer):
        """Gives `role` one more key, by the word of the root, or of `targets` for the others."""
        top = role in ("root", "timestamp", "snapshot", "targets")
        self.signed["root" if top else "targets"].add_key(signer.public_key, role)
        self.signers[role].append(signer)

    def take_away(self, role, signer):
        self.signed["root"].revoke_key(signer.public_key.keyid, role)
        self.signers[role].remove(signer)

    def put(self, role, name, data):
        file = TargetFile.from_data(name, data, ["sha256"])
        self.signed[role].targets[name] = file
        self.files[f"{file.hashes['sha256']}.{name}"] = data

    def sign(self, role, signers=None):
        """Signs `role` and puts it into the metadata that names it."""
        metadata = Metadata(copy.deepcopy(self.signed[role]))
        for signer in self.signers[role] if signers is None else signers:
            metadata.sign(signer, append=True)
        data = metadata.to_bytes()
        version = metadata.signed.version
        name = f"{role}.json" if role == "timestamp" else f"{version}.{role}.json"
        self.history[name] = data
        if role in ("targets", "acme", "rest"):
            meta = MetaFile.from_data(version, data, ["sha256"])
            self.signed["snapshot"].meta[f"{role}.json"] = meta
        elif role == "snapshot":
            self.signed["timestamp"].snapshot_meta = MetaFile.from_data(version, data, ["sha256"])

    def next(self, *roles):
        for role in roles:
            self.signed[role].version += 1

    def write(self, folder):
        for below, files in (("metadata", self.history), ("targets", self.files)):
            (folder / below).mkdir(parents=True)
            for name, data in files.items():
                (folder / below / name).write_bytes(data)


def main(folder):
    repository = Repository()
    root_keys = [ED25519(), ECDSA(), RSA()]
    for signer in root_keys:
        repository.let_sign("root", signer)
    repository.signed["root"].roles["root"].threshold = 2
    repository.let_sign("timestamp", ED25519())
    for make in (ED25519, ECDSA, RSA):
        repository.let_sign("snapshot", make())
    repository.signed["root"].roles["snapshot"].threshold = 3
    repository.let_sign("targets", ECDSA())
    roles = {
        "acme": DelegatedRole("acme", [], 2, True, ["ACME-*"]),
        "rest": DelegatedRole("rest", [], 1, False, ["*"]),
    }
    repository.signed["targets"].delegations = Delegations({}, roles=roles)
    for make in (ED25519, ECDSA):
        repository.let_sign("acme", make())
    repository.let_sign("rest", RSA())

    repository.put("targets", "policy.toml", b"enabled = true\n")
    repository.put("acme", "ACME-1.toml", b"the first of acme\n")
    repository.put("rest", "OTHER-1.toml", b"the first of the rest\n")
    # `acme` ends the search for these names, so nobody is to believe this one.
    repository.put("rest", "ACME-9.toml", b"not for the rest to say\n")
    repository.sign("root", root_keys[:2])
    for role in ("acme", "rest", "targets", "snapshot", "timestamp"):
        repository.sign(role)
    repository.write(folder / "1")

    repository.next("root", "acme", "snapshot", "timestamp")
    lost = root_keys[1]
    repository.take_away("root", lost)
    repository.let_sign("root", ECDSA())
    repository.take_away("timestamp", repository.signers["timestamp"][0])
    repository.let_sign("timestamp", RSA())
    repository.put("acme", "ACME-1.toml", b"the first of acme, mended\n")
    repository.put("acme", "ACME-2.toml", b"the second of acme\n")
    repository.sign("root", [*repository.signers["root"], lost])
    for role in ("acme", "snapshot", "timestamp"):
        repository.sign(role)
    repository.write(folder / "2")

    repository.next("acme", "snapshot", "timestamp")
    repository.put("acme", "ACME-3.toml", b"by one key of two\n")
    repository.sign("acme", repository.signers["acme"][:1])
    for role in ("snapshot", "timestamp"):
        repository.sign(role)
    repository.write(folder / "3")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
