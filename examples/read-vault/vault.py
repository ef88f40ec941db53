"""Reads a vault with nothing of Latent's: docs/vault-format.md and docs/sealed-format.md, in Python.

    python3 vault.py VAULT me.key            lists what is there: album, path, size, SHA-256
    python3 vault.py VAULT me.key -o OUT     gives everything back, and checks it

VAULT is a folder, or a copy of a bucket; me.key has an X25519 identity; objects are of the body aes-256-gcm.
Needs the package cryptography. Slow, and complete in what it checks: for comparing, not for daily use.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import re
import struct
import sys
import zlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def hkdf(key, salt, label, length=32):
    return HKDF(hashes.SHA256(), length, salt or None, label.encode()).derive(key)


# --- age (age-encryption.org/v1), X25519 alone ---------------------------------------------------------------------

BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def identity_scalar(text):
    line = next(line for line in text.split("\n") if line.startswith("AGE-SECRET-KEY-1"))
    digits = [BECH32.index(c) for c in line.strip().lower().rsplit("1", 1)[1]][:-6]
    number = 0
    for digit in digits:
        number = number << 5 | digit
    return (number >> (5 * len(digits) - 256)).to_bytes(32, "big")


def unpadded(text):
    return base64.b64decode(text + "=" * (-len(text) % 4))


def age_decrypt(data, scalar):
    """The plaintext, or None if no stanza is for this identity."""
    header_end = data.index(b"\n---") + 1
    lines = data[:header_end].decode("latin1").split("\n")[:-1]
    if lines[0] != "age-encryption.org/v1":
        raise ValueError("no age file")
    mac_line = data[header_end : data.index(b"\n", header_end)]
    payload = data[header_end + len(mac_line) + 1 :]
    private = X25519PrivateKey.from_private_bytes(scalar)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    file_key = None
    for i, line in enumerate(lines):
        parts = line.split(" ")
        if parts[:2] != ["->", "X25519"]:
            continue
        share = unpadded(parts[2])
        shared = private.exchange(X25519PublicKey.from_public_bytes(share))
        wrapping = hkdf(shared, share + public, "age-encryption.org/v1/X25519")
        try:
            file_key = ChaCha20Poly1305(wrapping).decrypt(bytes(12), unpadded(lines[i + 1]), None)
            break
        except Exception:
            continue
    if file_key is None:
        return None
    mac = hmac.digest(hkdf(file_key, b"", "header"), data[: header_end + 3], "sha256")
    if not hmac.compare_digest(mac, unpadded(mac_line[4:].decode())):
        raise ValueError("the age header was altered")
    cipher = ChaCha20Poly1305(hkdf(file_key, payload[:16], "payload"))
    chunks = [payload[i : i + 65552] for i in range(16, len(payload), 65552)]
    return b"".join(
        cipher.decrypt(struct.pack(">xxxQ?", i, i == len(chunks) - 1), chunk, None) for i, chunk in enumerate(chunks)
    )


# --- sealed files ----------------------------------------------------------------------------------------------------


def pixels(png):
    """The samples of an 8-bit RGB PNG whose rows have filter 0, as writers must make it."""
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    if png[:8] != b"\x89PNG\r\n\x1a\n" or (depth, colour) != (8, 2):
        raise ValueError("no picture of a sealed file")
    at, packed = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += 12 + length
    raw = zlib.decompress(packed)
    row = 3 * width + 1
    if len(raw) != row * height or any(raw[i] for i in range(0, len(raw), row)):
        raise ValueError("not in the layout of writers")
    return b"".join(raw[i + 1 : i + row] for i in range(0, len(raw), row))


HEADER = re.compile(
    rb"(latent sealed 1\nbody aes-256-gcm\nchunk (\d+)\nmetadata (\d+)\nnonce ([0-9a-f]{64})\n)envelope (\d+)\n"
)


def open_sealed(png, album_key):
    """Metadata, note (or None) and file; everything is authenticated."""
    data = pixels(png)
    found = HEADER.match(data)
    fixed, chunk, metadata_size, nonce, envelope = (found[1], int(found[2]), int(found[3]), found[4], int(found[5]))
    at = found.end() + envelope + 1
    filler_size = int(re.match(rb"filler (\d{5})\n", data[at:])[1])
    filler = data[at + 13 : at + 13 + filler_size]
    at += 13 + filler_size + 1
    mac = re.match(rb"mac ([0-9a-f]{64})\n", data[at:])[1]
    file_key = hkdf(album_key, bytes.fromhex(nonce.decode()), "latent/v1/sealed/file")
    header_key = hkdf(file_key, b"", "latent/v1/sealed/header")
    if not hmac.compare_digest(hmac.digest(header_key, data[:at], "sha256").hex().encode(), mac):
        raise ValueError("the header was altered")
    header_id = hashlib.sha256(fixed).digest()

    note = None
    note_cipher = AESGCM(hkdf(file_key, b"", "latent/v1/sealed/note"))
    try:
        size = struct.unpack(">H", note_cipher.decrypt(bytes(12), filler[:18], header_id))[0]
        note = note_cipher.decrypt(bytes(11) + b"\1", filler[18 : 18 + size + 16], header_id)
    except Exception:
        pass  # There is none.

    body = data[at + 69 :]
    cipher = AESGCM(hkdf(file_key, b"", "latent/v1/sealed/body"))
    pieces = [body[i : i + chunk + 16] for i in range(0, len(body), chunk + 16)]
    plain = b"".join(
        cipher.decrypt(struct.pack(">xxxQ?", i, i == len(pieces) - 1), piece, header_id)
        for i, piece in enumerate(pieces)
    )
    metadata = json.loads(plain[:metadata_size].rstrip(b"\0"))
    file = plain[metadata_size : metadata_size + metadata["size"]]
    tail = plain[metadata_size + metadata["size"] :]
    if hashlib.sha256(file).digest() != tail[:32] or any(tail[32:]):
        raise ValueError("not the bytes that were sealed")
    return metadata, note, file


# --- the vault -------------------------------------------------------------------------------------------------------


class Vault:
    def __init__(self, folder, scalar):
        self.folder = folder
        if not re.fullmatch(r"latent vault 1\nid [0-9a-f]{32}\n", (folder / "latent-vault").read_text()):
            raise ValueError("no vault of version 1")
        self.keys = {}
        for envelope in sorted(folder.glob(f"keys/*/{'[0-9a-f]' * 32}.age")):
            key = age_decrypt(envelope.read_bytes(), scalar)
            if key is None:
                continue
            if hkdf(key, b"", "latent/v1/vault/key-id", 16).hex() != envelope.parent.name:
                raise ValueError("a key lies under the id of another")
            self.keys[envelope.parent.name] = key
        if not self.keys:
            raise ValueError("this identity opens no album")

    def photos(self):
        """What is there now: (album, key, record)."""
        albums = {}
        for key_id, key in self.keys.items():
            album, photos, gone = {"album": key_id, "name": key_id, "epoch": 0, "at": -1}, {}, {}
            for segment in sorted(self.folder.glob(f"index/{key_id}/{'[0-9a-f]' * 32}.png")):
                metadata, _, packed = open_sealed(segment.read_bytes(), key)
                if metadata["type"] != "application/x-latent-index":
                    raise ValueError("no segment of an index")
                for line in zlib.decompress(packed).decode().split("\n")[:-1]:
                    record = json.loads(line)
                    if record["t"] == "photo":
                        if record["added"] >= photos.get(record["object"], record)["added"]:
                            photos[record["object"]] = record
                    elif record["t"] == "gone":
                        gone[record["object"]] = max(record["at"], gone.get(record["object"], record["at"]))
                    elif record["t"] == "album" and record["at"] > album["at"]:
                        album = record
            state = albums.setdefault(album["album"], {"epoch": -1, "name": "", "latest": {}})
            if album["epoch"] >= state["epoch"]:
                state["epoch"], state["name"] = album["epoch"], album["name"]
            for record in photos.values():
                is_gone = gone.get(record["object"], -1) >= record["added"]
                rank = (record["added"], record["object"])
                before = state["latest"].get(record["path"])
                if before is None or rank > before[0]:
                    state["latest"][record["path"]] = (rank, key, record, is_gone)
        for state in sorted(albums.values(), key=lambda each: each["name"]):
            for path, (_, key, record, is_gone) in sorted(state["latest"].items()):
                if not is_gone:
                    yield state["name"], key, record

    def read(self, key, record):
        metadata, note, file = open_sealed((self.folder / record["object"]).read_bytes(), key)
        said = json.loads(note)
        if said["path"] != record["path"] or metadata["name"] != record["path"].split("/")[-1]:
            raise ValueError("the object is another photo's")
        name_key = hkdf(key, b"", "latent/v1/vault/object-name")
        names = [
            hmac.digest(
                name_key,
                json.dumps([said["path"], said["sha256"], i, ""], separators=(",", ":"), ensure_ascii=False).encode(),
                "sha256",
            )[:16].hex()
            for i in range(8)
        ]
        if record["object"] not in [f"objects/{name[:2]}/{name[2:]}.png" for name in names]:
            raise ValueError("the object has not its name")
        if hashlib.sha256(file).hexdigest() != record["sha256"]:
            raise ValueError("the object holds another file")
        return file


def main(folder, identity, *options):
    vault = Vault(pathlib.Path(folder), identity_scalar(pathlib.Path(identity).read_text()))
    output = pathlib.Path(options[1]) if options[:1] == ("-o",) else None
    for album, key, record in vault.photos():
        if output:
            # Paths of a vault never lead elsewhere, and one that did is not followed.
            if any(part in ("", ".", "..") for part in record["path"].split("/")):
                raise ValueError("a path that leads elsewhere")
            target = output / album.replace("/", "_") / record["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(vault.read(key, record))
        print(f"{album}\t{record['path']}\t{record['size']}\t{record['sha256']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
