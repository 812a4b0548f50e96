#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A virtual PIV smart card for tests.

Plugs into the virtual smart-card reader of the vsmartcard project (Debian:
vsmartcard-vpcd), so that pcscd, OpenSC and libykcs11 see a card that looks
like a YubiKey's PIV application.  Only what those need for reading and signing
is there; keys and certificates are made here, at start, not through the card.

    pivcard.py --vpcd 127.0.0.1:35963 --state card.json --control card.sock \\
               --key 9a=p256 --key 9c=rsa2048 --pin 123456

The connection to vpcd is the reader's contact: opening it inserts the card,
closing it pulls the card out.  The control socket takes one command per line
and answers each with one line starting "ok" or "error":

    insert            insert the card
    remove            pull it out (also in the middle of a delayed signature)
    reset             warm reset: the card forgets that the PIN was verified
    remove-on-sign    pull the card out when the next signature is asked for
    fail-sign SW [N]  answer the next N (1) signatures with this status word, e.g. 6F00;
                      OpenSC tries a failed signature once more, so it takes 2 to fail one
    delay SECONDS     think this long before each signature (a touch wait)
    stats             counters, as JSON
    quit              remove the card and exit

Wire format of vpcd: every message is a 16-bit big-endian length and that many
bytes.  A one-byte message is a reader command (0 off, 1 on, 2 reset, 4 send
your ATR); anything longer is a command APDU, answered with a response APDU.

This is a test double: its key operations are not constant time and its keys
lie in the clear in the state file.  Needs python3-cryptography.
"""
import argparse
import datetime
import json
import os
import secrets
import selectors
import socket
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils

# YubiKey 5 ATR: T=1, historical bytes carry the card name "YubiKey".
ATR_YUBIKEY = bytes.fromhex("3bfd1300008131fe158073c021c057597562694b657940")
# A card OpenSC does not know by its ATR ("PIV_II" driver, generic card type).
ATR_GENERIC = bytes.fromhex("3b8580018073c821100e")

PIV_AID = bytes.fromhex("a000000308000010000100")
# Tag (after 5C) of the object holding the certificate of each key slot.
CERT_TAG = {0x9A: "5fc105", 0x9C: "5fc10a", 0x9D: "5fc10b", 0x9E: "5fc101"}
for _n in range(20):  # retired key management slots 82..95
    CERT_TAG[0x82 + _n] = "5fc1%02x" % (0x0D + _n)
# When a slot wants the PIN: never, once per insertion, before every use.
PIN_POLICY = {0x9A: "once", 0x9C: "always", 0x9D: "once", 0x9E: "never"}
POLICY_BYTE = {"never": 1, "once": 2, "always": 3}

SW_OK = 0x9000
SW_WRONG_LENGTH = 0x6700
SW_SECURITY = 0x6982
SW_BLOCKED = 0x6983
SW_WRONG_DATA = 0x6A80
SW_NOT_FOUND = 0x6A82
SW_WRONG_P1P2 = 0x6A86
SW_REF_NOT_FOUND = 0x6A88
SW_INS = 0x6D00


def tlv(tag, value):
    """Encode one BER-TLV; tag is an int or hex digits."""
    if isinstance(tag, int):
        tag = "%02x" % tag
    n = len(value)
    if n < 0x80:
        length = bytes([n])
    elif n < 0x100:
        length = bytes([0x81, n])
    else:
        length = b"\x82" + n.to_bytes(2, "big")
    return bytes.fromhex(tag) + length + value


def parse_tlv(data):
    """Decode a run of BER-TLVs with one-byte tags into {tag: value}."""
    out, i = {}, 0
    while i < len(data):
        tag, n, i = data[i], data[i + 1], i + 2
        if n & 0x80:
            k = n & 0x7F
            n, i = int.from_bytes(data[i:i + k], "big"), i + k
        if i + n > len(data):
            raise ValueError("truncated TLV")
        out[tag], i = data[i:i + n], i + n
    return out


class CardError(Exception):
    def __init__(self, sw):
        super().__init__("%04x" % sw)
        self.sw = sw


class Removed(Exception):
    """The card leaves the reader before it answers."""


class Key:
    def __init__(self, slot, private, policy, cert):
        self.slot, self.private, self.policy, self.cert = slot, private, policy, cert

    @classmethod
    def generate(cls, slot, spec, policy):
        if spec.startswith("rsa"):
            private = rsa.generate_private_key(65537, int(spec[3:]))
        else:
            private = ec.generate_private_key({"p256": ec.SECP256R1, "p384": ec.SECP384R1}[spec]())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test key %02x" % slot)])
        start = datetime.datetime(2020, 1, 1)
        cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
                .public_key(private.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(start).not_valid_after(start + datetime.timedelta(36500))
                .sign(private, hashes.SHA256()))
        return cls(slot, private, policy, cert.public_bytes(serialization.Encoding.DER))

    def dump(self):
        pem = self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption())
        return {"slot": "%02x" % self.slot, "policy": self.policy, "key": pem.decode(), "cert": self.cert.hex()}

    @classmethod
    def load(cls, d):
        private = serialization.load_pem_private_key(d["key"].encode(), None)
        return cls(int(d["slot"], 16), private, d["policy"], bytes.fromhex(d["cert"]))

    @property
    def algorithm(self):
        """The PIV algorithm identifier."""
        size = self.private.key_size
        if isinstance(self.private, rsa.RSAPrivateKey):
            return {1024: 0x06, 2048: 0x07, 3072: 0x05, 4096: 0x16}[size]
        return {256: 0x11, 384: 0x14}[size]

    def sign(self, data):
        size = (self.private.key_size + 7) // 8
        if isinstance(self.private, rsa.RSAPrivateKey):  # raw: the host has done the padding
            if len(data) != size:
                raise CardError(SW_WRONG_DATA)
            n = self.private.private_numbers()
            return pow(int.from_bytes(data, "big"), n.d, n.public_numbers.n).to_bytes(size, "big")
        data = data[:size].rjust(size, b"\0")
        algorithm = hashes.SHA256() if size == 32 else hashes.SHA384()
        return self.private.sign(data, ec.ECDSA(utils.Prehashed(algorithm)))

    def agree(self, point):
        if isinstance(self.private, rsa.RSAPrivateKey):
            raise CardError(SW_WRONG_DATA)
        try:
            peer = ec.EllipticCurvePublicKey.from_encoded_point(self.private.curve, point)
        except ValueError:
            raise CardError(SW_WRONG_DATA)
        return self.private.exchange(ec.ECDH(), peer)

    def public_tlv(self):
        pub = self.private.public_key()
        if isinstance(self.private, rsa.RSAPrivateKey):
            n = pub.public_numbers()
            return tlv(0x81, n.n.to_bytes((pub.key_size + 7) // 8, "big")) + tlv(0x82, n.e.to_bytes(3, "big"))
        return tlv(0x86, pub.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint))


class PivCard:
    """The card: APDU in, APDU out.  Knows nothing of readers or sockets."""

    def __init__(self, args):
        self.path, self.atr = args.state, args.atr
        self.delay, self.failures, self.remove_on_sign = args.delay, [], False
        self.stats = {"apdus": 0, "signatures": 0, "verify_ok": 0, "verify_bad": 0, "selects": 0}
        self.wait = time.sleep          # replaced by the reader: a wait that a removal can cut short
        if self.path and os.path.exists(self.path):
            with open(self.path) as f:
                self._load(json.load(f))
        else:
            self.pin, self.puk = args.pin.encode(), args.puk.encode()
            self.max_tries = args.tries
            self.tries = {0x80: args.tries, 0x81: args.tries}
            self.serial = args.serial or secrets.randbits(24)
            self.guid = secrets.token_bytes(16)
            self.keys = {}
            for spec in args.key or ["9a=p256"]:
                slot, kind = spec.split("=", 1)
                kind, _, policy = kind.partition(":")
                slot = int(slot, 16)
                self.keys[slot] = Key.generate(slot, kind, policy or PIN_POLICY.get(slot, "once"))
            self.save()
        self.power_on()

    def _load(self, d):
        self.pin, self.puk = d["pin"].encode(), d["puk"].encode()
        self.max_tries, self.tries = d["max_tries"], {0x80: d["pin_tries"], 0x81: d["puk_tries"]}
        self.serial, self.guid = d["serial"], bytes.fromhex(d["guid"])
        self.keys = {k.slot: k for k in map(Key.load, d["keys"])}

    def save(self):
        if not self.path:
            return
        d = {"pin": self.pin.decode(), "puk": self.puk.decode(), "max_tries": self.max_tries,
             "pin_tries": self.tries[0x80], "puk_tries": self.tries[0x81], "serial": self.serial,
             "guid": self.guid.hex(), "keys": [k.dump() for k in self.keys.values()]}
        with open(os.open(self.path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            json.dump(d, f, indent=1)
        os.replace(self.path + ".new", self.path)

    def power_on(self):
        self.selected = self.verified = self.fresh = False
        self.chain, self.pending = b"", b""

    # -- APDU layer: command chaining and GET RESPONSE

    def transmit(self, apdu):
        self.stats["apdus"] += 1
        try:
            if len(apdu) < 4:
                raise CardError(SW_WRONG_LENGTH)
            cla, ins, p1, p2 = apdu[:4]
            data, le = self._body(apdu[4:])
            if ins == 0xC0:                                     # GET RESPONSE
                return self._answer(self.pending, le)
            self.pending = b""
            if cla & 0x10:                                      # more to come
                self.chain += data
                return SW_OK.to_bytes(2, "big")
            data, self.chain = self.chain + data, b""
            out = self._command(ins, p1, p2, data)
            return self._answer(out, le)
        except CardError as e:
            self.chain = b""
            return e.sw.to_bytes(2, "big")
        except (ValueError, LookupError):
            self.chain = b""
            return SW_WRONG_DATA.to_bytes(2, "big")

    @staticmethod
    def _body(b):
        """Split what follows the header into (data, Le)."""
        if not b:
            return b"", 0
        if len(b) == 1:
            return b"", b[0] or 256
        if b[0] == 0 and len(b) >= 3:                           # extended length
            if len(b) == 3:
                return b"", int.from_bytes(b[1:], "big") or 65536
            n = int.from_bytes(b[1:3], "big")
            head = 3
        else:
            n, head = b[0], 1
        data, rest = b[head:head + n], b[head + n:]
        if len(data) != n:
            raise CardError(SW_WRONG_LENGTH)
        return data, (int.from_bytes(rest, "big") or (256 if head == 1 else 65536)) if rest else 0

    def _answer(self, out, le):
        limit = le if le else 256
        self.pending, out = out[limit:], out[:limit]
        if not self.pending:
            return out + SW_OK.to_bytes(2, "big")
        return out + bytes([0x61, min(len(self.pending), 255)])

    # -- commands

    def _command(self, ins, p1, p2, data):
        if ins == 0xA4:
            return self._select(p1, data)
        if not self.selected:
            raise CardError(SW_INS)
        fresh, self.fresh = self.fresh, False                   # "always" wants VERIFY right before the use
        if ins == 0x20:
            return self._verify(p1, p2, data)
        if ins == 0x24:
            return self._change(p2, data)
        if ins == 0x2C:
            return self._unblock(data)
        if ins == 0xCB:
            self.fresh = fresh                                  # reading does not use up the PIN
            return self._get_data(data)
        if ins == 0x87:
            return self._authenticate(p1, p2, data, fresh)
        if ins == 0xFD:                                         # Yubico: version
            return bytes([5, 4, 3])
        if ins == 0xF8:                                         # Yubico: serial
            return self.serial.to_bytes(4, "big")
        if ins == 0xF7:                                         # Yubico: metadata
            return self._metadata(p2)
        raise CardError(SW_INS)

    def _select(self, p1, aid):
        if p1 != 4 or len(aid) < 5 or not PIV_AID.startswith(aid):
            raise CardError(SW_NOT_FOUND)
        self.stats["selects"] += 1
        self.selected = True
        return tlv(0x61, tlv(0x4F, PIV_AID[5:]) + tlv(0x79, tlv(0x4F, PIV_AID[:5])))

    def _check(self, ref, value):
        """Compare a PIN or PUK; count the failures."""
        if not self.tries[ref]:
            raise CardError(SW_BLOCKED)
        want = self.pin if ref == 0x80 else self.puk
        if value != want.ljust(8, b"\xff"):
            self.tries[ref] -= 1
            self.save()
            if ref == 0x80:
                self.verified = False
                self.stats["verify_bad"] += 1
            raise CardError(0x63C0 | self.tries[ref] if self.tries[ref] else SW_BLOCKED)
        if self.tries[ref] != self.max_tries:
            self.tries[ref] = self.max_tries
            self.save()

    def _verify(self, p1, ref, data):
        if ref != 0x80:
            raise CardError(SW_REF_NOT_FOUND)
        if p1 == 0xFF:                                          # SP 800-73-4: log out
            self.verified = False
            return b""
        if not data:                                            # ask only
            if self.verified:
                return b""
            raise CardError(0x63C0 | self.tries[ref] if self.tries[ref] else SW_BLOCKED)
        if len(data) != 8:
            raise CardError(SW_WRONG_DATA)
        self._check(ref, data)
        self.verified = self.fresh = True
        self.stats["verify_ok"] += 1
        return b""

    def _change(self, ref, data):
        if ref not in (0x80, 0x81) or len(data) != 16:
            raise CardError(SW_WRONG_DATA)
        self._check(ref, data[:8])
        value = data[8:].rstrip(b"\xff")
        if ref == 0x80:
            self.pin = value
        else:
            self.puk = value
        self.save()
        return b""

    def _unblock(self, data):
        if len(data) != 16:
            raise CardError(SW_WRONG_DATA)
        self._check(0x81, data[:8])
        self.pin, self.tries[0x80] = data[8:].rstrip(b"\xff"), self.max_tries
        self.save()
        return b""

    def _get_data(self, data):
        tag = parse_tlv(data)[0x5C].hex()
        if tag == "7e":                                         # discovery: the one object without a 53 around it
            return tlv(0x7E, tlv(0x4F, PIV_AID) + tlv("5f2f", b"\x40\x00"))
        if tag == "5fc102":                                     # CHUID: the serial number OpenSC shows is its GUID
            fascn = bytes.fromhex("d4e739da739ced39ce739d836858210842108421c84210c3eb")
            return tlv(0x53, tlv(0x30, fascn) + tlv(0x34, self.guid) + tlv(0x35, b"20991231")
                       + tlv(0x3E, b"") + tlv(0xFE, b""))
        if tag == "5fc107":                                     # CCC
            body = tlv(0xF0, b"\xa0\x00\x00\x01\x16\xff\x02" + self.guid[:14]) + tlv(0xF1, b"\x21") + tlv(0xF2, b"\x21")
            return tlv(0x53, body + tlv(0xF4, b"\0") + tlv(0xF5, b"\x10") + tlv(0xFE, b""))
        if tag == "5fc109" and not self.verified:               # printed information is behind the PIN
            raise CardError(SW_SECURITY)
        if tag == "5fc10c":                                     # key history: how many retired slots are in use
            retired = sum(0x82 <= s <= 0x95 for s in self.keys)
            if retired:
                return tlv(0x53, tlv(0xC1, bytes([retired])) + tlv(0xC2, b"\0") + tlv(0xFE, b""))
        for slot, key in self.keys.items():
            if CERT_TAG[slot] == tag and key.cert:              # one may have none: see the state file
                return tlv(0x53, tlv(0x70, key.cert) + tlv(0x71, b"\0") + tlv(0xFE, b""))
        raise CardError(SW_NOT_FOUND)

    def _authenticate(self, algorithm, slot, data, fresh):
        key = self.keys.get(slot)
        if not key:
            raise CardError(SW_REF_NOT_FOUND)
        if algorithm != key.algorithm:
            raise CardError(SW_WRONG_P1P2)
        template = parse_tlv(parse_tlv(data)[0x7C])
        if key.policy == "always" and not fresh or key.policy == "once" and not self.verified:
            raise CardError(SW_SECURITY)
        if self.remove_on_sign:
            self.remove_on_sign = False
            raise Removed
        if self.delay:
            self.wait(self.delay)
        if self.failures:
            raise CardError(self.failures.pop())
        if template.get(0x81):
            result = key.sign(template[0x81])
            self.stats["signatures"] += 1
        elif template.get(0x85):
            result = key.agree(template[0x85])
        else:
            raise CardError(SW_WRONG_DATA)
        return tlv(0x7C, tlv(0x82, result))

    def _metadata(self, slot):
        if slot in (0x80, 0x81):
            return (tlv(1, b"\xff") + tlv(5, b"\1") + tlv(6, bytes([self.max_tries, self.tries[slot]])))
        if slot == 0x9B:
            return tlv(1, b"\3") + tlv(2, b"\0\1") + tlv(5, b"\1")
        key = self.keys.get(slot)
        if not key:
            raise CardError(SW_REF_NOT_FOUND)
        return (tlv(1, bytes([key.algorithm])) + tlv(2, bytes([POLICY_BYTE[key.policy], 1])) + tlv(3, b"\1")
                + tlv(4, key.public_tlv()))


class Reader:
    """The contact between the card and vpcd, and the control socket."""

    def __init__(self, card, args):
        self.card, self.log = card, args.log
        host, _, port = args.vpcd.rpartition(":")
        self.address = (host or "127.0.0.1", int(port))
        self.sock, self.buffer, self.inserted, self.running, self.retry = None, b"", not args.removed, True, 0.0
        self.selector, self.waiting = selectors.DefaultSelector(), False
        card.wait = self.wait
        if args.control:
            try:
                os.unlink(args.control)
            except FileNotFoundError:
                pass
            self.server = socket.socket(socket.AF_UNIX)
            self.server.bind(args.control)
            self.server.listen(8)
            self.selector.register(self.server, selectors.EVENT_READ, self.accept)

    def note(self, *words):
        if self.log:
            print("%.3f" % time.monotonic(), *words, file=sys.stderr, flush=True)

    # -- inserting and removing

    def connect(self):
        self.retry = time.monotonic() + 0.2
        try:
            self.sock = socket.create_connection(self.address, 2)
        except OSError:
            return
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self.buffer = b""
        self.card.power_on()
        self.selector.register(self.sock, selectors.EVENT_READ, self.receive)
        self.note("inserted")

    def disconnect(self):
        if self.sock:
            if self.sock in self.selector.get_map():
                self.selector.unregister(self.sock)
            self.sock.close()
            self.sock = None
            self.note("removed")

    # -- vpcd

    def receive(self, sock):
        if sock is not self.sock:                               # closed earlier in this round
            return
        try:
            chunk = sock.recv(65536)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # vpcd sends length and body apart,
        except OSError:                                                 # which Nagle would make 40 ms of
            chunk = b""
        if not chunk:
            self.disconnect()                                   # pcscd went away; connect() tries again
            return
        self.buffer += chunk
        while self.sock is sock and len(self.buffer) >= 2:
            n = int.from_bytes(self.buffer[:2], "big")
            if len(self.buffer) < 2 + n:
                return
            message, self.buffer = self.buffer[2:2 + n], self.buffer[2 + n:]
            try:
                self.message(message)
            except Removed:
                if self.sock is sock:
                    self.inserted = False
                    self.disconnect()

    def message(self, m):
        if len(m) == 1:
            if m[0] == 4:
                self.send(self.card.atr)
            else:
                self.card.power_on()
            return
        self.note(">", m.hex())
        answer = self.card.transmit(m)
        self.note("<", answer.hex())
        self.send(answer)

    def send(self, data):
        try:
            self.sock.sendall(len(data).to_bytes(2, "big") + data)
        except OSError:
            self.disconnect()

    # -- control

    def accept(self, server):
        client, _ = server.accept()
        self.selector.register(client, selectors.EVENT_READ, self.control)

    def control(self, client):
        data = client.recv(4096)
        if not data:
            self.selector.unregister(client)
            client.close()
            return
        for line in data.decode().splitlines():
            try:
                answer = "ok " + (self.order(*line.split()) or "")
            except (TypeError, ValueError, IndexError) as e:
                answer = "error %s" % e
            try:
                client.sendall(answer.strip().encode() + b"\n")
            except OSError:
                pass

    def order(self, verb="", *rest):
        card = self.card
        if verb == "insert":
            self.inserted = True
            if not self.sock:
                self.connect()
            if not self.sock:
                raise ValueError("no reader at %s:%d" % self.address)
        elif verb == "remove":
            self.inserted = False
            self.disconnect()
        elif verb == "reset":
            card.power_on()
        elif verb == "remove-on-sign":
            card.remove_on_sign = True
        elif verb == "fail-sign":
            card.failures = [int(rest[0], 16)] * int(rest[1] if len(rest) > 1 else 1)
        elif verb == "delay":
            card.delay = float(rest[0])
        elif verb == "stats":
            return json.dumps(dict(card.stats, inserted=bool(self.sock), waiting=self.waiting, pin_tries=card.tries[0x80], serial=card.serial))
        elif verb == "quit":
            self.running = False
            self.inserted = False
            self.disconnect()
        else:
            raise ValueError("unknown command %r" % verb)

    # -- loop

    def step(self, timeout):
        for ready, _ in self.selector.select(timeout):
            ready.data(ready.fileobj)

    def wait(self, seconds):
        """Let time pass inside a command while the control socket stays alive."""
        sock, end = self.sock, time.monotonic() + seconds
        self.selector.unregister(sock)
        self.waiting = True
        try:
            while self.sock is sock and time.monotonic() < end:
                self.step(max(0, end - time.monotonic()))
        finally:
            self.waiting = False
            if self.sock is sock:
                self.selector.register(sock, selectors.EVENT_READ, self.receive)
        if self.sock is not sock:
            raise Removed

    def run(self):
        while self.running:
            if self.inserted and not self.sock and time.monotonic() >= self.retry:
                self.connect()
            self.step(0.2)


def main():
    p = argparse.ArgumentParser(description="virtual PIV card for vpcd")
    p.add_argument("--vpcd", default="127.0.0.1:35963", help="where vpcd listens, HOST:PORT")
    p.add_argument("--state", help="file that keeps keys, PIN and counters")
    p.add_argument("--control", help="path of the control socket")
    p.add_argument("--key", action="append", metavar="SLOT=KIND[:POLICY]",
                   help="9a|9c|9d|9e|82..95 = rsa1024|rsa2048|rsa3072|rsa4096|p256|p384, "
                        "policy never|once|always (repeatable; default 9a=p256)")
    p.add_argument("--pin", default="123456")
    p.add_argument("--puk", default="12345678")
    p.add_argument("--tries", type=int, default=3)
    p.add_argument("--serial", type=int, help="YubiKey serial number (default random)")
    p.add_argument("--delay", type=float, default=0.0, help="seconds each signature takes")
    p.add_argument("--atr", type=bytes.fromhex, default=ATR_YUBIKEY, help="ATR in hex (default: a YubiKey 5's)")
    p.add_argument("--removed", action="store_true", help="start outside the reader")
    p.add_argument("--log", action="store_true", help="log APDUs on stderr")
    args = p.parse_args()
    reader = Reader(PivCard(args), args)
    try:
        reader.run()
    except KeyboardInterrupt:
        pass
    finally:
        if args.control:
            os.unlink(args.control)


if __name__ == "__main__":
    main()
