"""Reads and writes a vault with nothing of Latent's: docs/vault-format.md and docs/sealed-format.md, in Python.

    python3 vault.py VAULT me.key                lists what is there: album, path, size, SHA-256
    python3 vault.py VAULT me.key -o OUT         gives everything back, and checks it
    python3 vault.py VAULT me.key --add FOLDER   adds the files in a folder to the main album

VAULT is a folder, or a copy of a bucket; me.key has an X25519 identity; objects are of the body aes-256-gcm.
Needs the package cryptography. Slow, and complete in what it checks: for comparing, not for daily use.
"""

import base64
import hashlib
import hmac
import json
import math
import os
import pathlib
import re
import struct
import sys
import time
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


def png_of(width, height, data):
    """The layout of writers: stored blocks, sixteen of them in an IDAT chunk."""
    row = 3 * width
    raw = b"".join(b"\0" + data[i : i + row] for i in range(0, len(data), row))
    blocks = [
        struct.pack("<BHH", at + 65535 >= len(raw), len(block), len(block) ^ 0xFFFF) + block
        for at in range(0, len(raw), 65535)
        for block in [raw[at : at + 65535]]
    ]
    packed = [b"".join(blocks[i : i + 16]) for i in range(0, len(blocks), 16)]
    packed[0] = b"\x78\x01" + packed[0]
    packed[-1] += struct.pack(">I", zlib.adler32(raw))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    chunks += [(b"IDAT", part) for part in packed] + [(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part)) for kind, part in chunks
    )


CHUNK = 786432


def seal(album_key, envelope, name, kind, modified, file, note=None):
    """A sealed file of the body aes-256-gcm."""
    metadata = compact({"name": name, "type": kind, "size": len(file), "modified": modified})
    metadata += bytes(128 - len(metadata) % 128)
    plain = metadata + file + hashlib.sha256(file).digest()
    # A last chunk has 32 bytes at least.
    plain += bytes(max(0, 32 - len(plain) % CHUNK) if len(plain) % CHUNK else 0)
    nonce = os.urandom(32)
    fixed = f"latent sealed 1\nbody aes-256-gcm\nchunk {CHUNK}\nmetadata {len(metadata)}\nnonce {nonce.hex()}\n"
    fixed = fixed.encode()
    header_id = hashlib.sha256(fixed).digest()
    file_key = hkdf(album_key, nonce, "latent/v1/sealed/file")
    cipher = AESGCM(hkdf(file_key, b"", "latent/v1/sealed/body"))
    body = b"".join(
        cipher.encrypt(struct.pack(">xxxQ?", at // CHUNK, at + CHUNK >= len(plain)), plain[at : at + CHUNK], header_id)
        for at in range(0, len(plain), CHUNK)
    )
    sealed_note = b""
    if note is not None:
        note_cipher = AESGCM(hkdf(file_key, b"", "latent/v1/sealed/note"))
        sealed_note = note_cipher.encrypt(bytes(12), struct.pack(">H", len(note)), header_id)
        sealed_note += note_cipher.encrypt(bytes(11) + b"\1", note, header_id)

    # The picture with the least left over, which the filler takes up.
    start = fixed + f"envelope {len(envelope)}\n".encode() + envelope + b"\n"
    others = len(start) + len("filler 00000\n\n") + len("mac \n") + 64 + len(body)
    samples = math.ceil((others + len(sealed_note)) / 3)
    square = math.isqrt(samples - 1) + 1
    width = min(range(square, square + square // 3 + 1), key=lambda w: w * math.ceil(samples / w))
    height = math.ceil(samples / width)
    size = 3 * width * height - others
    filler_key = hkdf(file_key, b"", "latent/v1/sealed/filler")
    rest = size - len(sealed_note)
    filler = sealed_note + (hkdf(filler_key, b"", "latent/v1/sealed/filler-bytes", rest) if rest else b"")
    header = start + f"filler {size:05}\n".encode() + filler + b"\n"
    mac = hmac.digest(hkdf(file_key, b"", "latent/v1/sealed/header"), header, "sha256").hex()
    return png_of(width, height, header + f"mac {mac}\n".encode() + body)


def compact(value):
    """As JSON.stringify writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


# --- the vault -------------------------------------------------------------------------------------------------------


class Vault:
    def __init__(self, folder, scalar):
        self.folder = folder
        if not re.fullmatch(r"latent vault 1\nid [0-9a-f]{32}\n", (folder / "latent-vault").read_text()):
            raise ValueError("no vault of version 1")
        self.keys, self.envelopes, self.albums = {}, {}, {}
        self.segments = {}
        for envelope in sorted(folder.glob(f"keys/*/{'[0-9a-f]' * 32}.age")):
            key = age_decrypt(envelope.read_bytes(), scalar)
            if key is None:
                continue
            if hkdf(key, b"", "latent/v1/vault/key-id", 16).hex() != envelope.parent.name:
                raise ValueError("a key lies under the id of another")
            self.keys[envelope.parent.name] = key
            self.envelopes.setdefault(envelope.parent.name, envelope.read_bytes())
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
                self.segments.setdefault(key_id, {})[segment.stem] = packed
                for line in zlib.decompress(packed).decode().split("\n")[:-1]:
                    record = json.loads(line)
                    if record["t"] == "photo":
                        if record["added"] >= photos.get(record["object"], record)["added"]:
                            photos[record["object"]] = record
                    elif record["t"] == "gone":
                        gone[record["object"]] = max(record["at"], gone.get(record["object"], record["at"]))
                    elif record["t"] == "album" and record["at"] > album["at"]:
                        album = record
            self.albums[key_id] = album
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
                compact([said["path"], said["sha256"], i, ""]),
                "sha256",
            )[:16].hex()
            for i in range(8)
        ]
        if record["object"] not in [f"objects/{name[:2]}/{name[2:]}.png" for name in names]:
            raise ValueError("the object has not its name")
        if hashlib.sha256(file).hexdigest() != record["sha256"]:
            raise ValueError("the object holds another file")
        return file


    def create(self, name, data):
        """False if it is there: nothing is ever written over."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{os.urandom(16).hex()}.tmp")
        partial.write_bytes(data)
        try:
            os.link(partial, target)
            return True
        except FileExistsError:
            return False
        finally:
            partial.unlink()

    def add(self, source):
        """Seals what the main album does not hold, records it, and gives the paths."""
        there = {(album, record["path"]): record for album, _, record in self.photos()}
        main = next((album for album in self.albums.values() if album.get("main")), next(iter(self.albums.values())))
        key_id = max(
            (album["epoch"], key_id) for key_id, album in self.albums.items() if album["album"] == main["album"]
        )[1]
        key, envelope, name = self.keys[key_id], self.envelopes[key_id], self.albums[key_id]["name"]
        presence = f"writers/{os.urandom(16).hex()}"
        self.create(presence, b"")
        records = []
        for file in sorted(each for each in source.rglob("*") if each.is_file()):
            path, data, now = file.relative_to(source).as_posix(), file.read_bytes(), time.time_ns() // 1_000_000
            digest, before = hashlib.sha256(data).hexdigest(), there.get((name, path))
            if before and before["sha256"] == digest:
                continue
            note = {
                "path": path,
                "size": len(data),
                "modified": file.stat().st_mtime_ns // 1_000_000,
                "sha256": digest,
                "type": "image/jpeg" if data[:3] == b"\xff\xd8\xff" else "application/octet-stream",
                "added": max(now, before["added"] + 1) if before else now,
            }
            png = seal(key, envelope, file.name, note["type"], note["modified"], data, compact(note))
            for attempt in range(8):
                drawn = hmac.digest(
                    hkdf(key, b"", "latent/v1/vault/object-name"), compact([path, digest, attempt, ""]), "sha256"
                )[:16].hex()
                target = f"objects/{drawn[:2]}/{drawn[2:]}.png"
                # One that is there may hold the same, or be removed: this one is put beside it.
                if self.create(target, png):
                    records.append({"t": "photo", "object": target, "sealed": len(png), **note})
                    break
        if records:
            first = {name: zlib.decompress(packed).split(b"\n")[0] for name, packed in self.segments[key_id].items()}
            known = {name: json.loads(line) for name, line in first.items()}
            named = {parent for head in known.values() for parent in head["parents"]}
            heads = sorted(set(known) - named)
            head = {"t": "segment", "parents": heads, "replaces": [], "at": time.time_ns() // 1_000_000}
            lines = b"".join(compact(each) + b"\n" for each in [head, *records])
            png = seal(key, envelope, "index", "application/x-latent-index", 0, zlib.compress(lines))
            self.create(f"index/{key_id}/{os.urandom(16).hex()}.png", png)
        (self.folder / presence).unlink()
        return [record["path"] for record in records]


def main(folder, identity, *options):
    vault = Vault(pathlib.Path(folder), identity_scalar(pathlib.Path(identity).read_text()))
    if options[:1] == ("--add",):
        print("".join(f"added\t{path}\n" for path in vault.add(pathlib.Path(options[1]))), end="")
        return
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
