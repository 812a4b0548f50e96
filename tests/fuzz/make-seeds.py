#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write the first inputs of the fuzz targets, seeds/TARGET/NAME.

Run it after a change here, and commit what it wrote. It removes nothing, as
inputs that a fuzzer found lie in the same folders. A target is a function
that yields (name, bytes), marked with @target("its name").
"""

import base64
import hashlib
import pathlib
import struct

SEEDS = pathlib.Path(__file__).resolve().parent / "seeds"
TARGETS = {}


def target(name):
    def add(function):
        TARGETS[name] = function
        return function

    return add


def u8(value):
    return struct.pack(">B", value)


def u32(value):
    return struct.pack(">I", value)


def u64(value):
    return struct.pack(">Q", value)


def string(value):
    """An RFC 4251 string of bytes or text."""
    if isinstance(value, str):
        value = value.encode()
    return u32(len(value)) + value


@target("question")
def questions():
    def question(kind, title, text, warning, pid, sources, persons=0):
        return (u8(kind) + string(title) + string(text) + string(warning)
                + u32(pid) + string(sources) + u8(persons))

    yield "pin", question(1, "token", 'PIN of token, to sign with key "x"',
                          "", 1234, "pinentry\naskpass")
    yield "last-try", question(1, "t\u00f6k", "PIN\nof it",
                               "wrong\nthis is the last try", 0, "askpass", 1)
    yield "confirm", question(2, "token", "Sign for host?", "", 1, "")
    yield "notice", question(3, "token", "token may want a touch", "", 1, "")


@target("pin-store")
def pin_stores():
    def store(*entries):
        return b"p11pins2" + u32(len(entries)) + b"".join(
            bytes([token]) * 32 + u32(wrong) + u32(doubt) + u8(off)
            for token, wrong, doubt, off in entries)

    def store_1(*entries):
        return b"p11pins1" + u32(len(entries)) + b"".join(
            bytes([token]) * 32 + u32(wrong) + u8(off)
            for token, wrong, off in entries)

    yield "none", store()
    yield "two", store((1, 2, 0, 0), (9, 0, 3, 1))
    yield "order", store((9, 2, 0, 0), (1, 1, 1, 1))
    yield "count", store((1, 2, 0, 0))[:-1]
    yield "one-none", store_1()
    yield "one-two", store_1((1, 2, 0), (9, 0, 1))
    yield "one-count", store_1((1, 2, 0))[:-1]


@target("answer")
def answers():
    yield "pin", u8(0) + string("123456") + string("") + u8(0)
    yield "cached", u8(0) + string("1234") + string("") + u8(1)
    yield "cancel", u8(1) + string("") + string("") + u8(0)
    yield "no-way", u8(2) + string("") + string("no display") + u8(0)


@target("logind-wire")
def logind_messages():
    yield "sleep", u8(98) + string("")
    yield "fault", u8(97) + string("there is no system D-Bus")


@target("readers-wire")
def readers_messages():
    def state(service, text, *readers):
        return (u8(80) + u8(service) + string(text) + u32(len(readers))
                + b"".join(readers))

    def reader(name, flags, events):
        return string(name) + bytes(flags) + u32(events)

    yield "none", state(0, "")
    yield "no-service", state(1, "pcscd does not run")
    yield "two", state(0, "", reader("Yubico YubiKey CCID 00 00",
                                     (1, 0, 1, 0), 5),
                       reader("x", (0, 1, 0, 1), 65535))


@target("opensc-conf")
def opensc_confs():
    yield "installed", b"""app default {
\t# debug = 3;
\tframework pkcs15 {
\t\t# use_file_caching = public;
\t}
}
"""
    yield "list", b"""# a "comment {
debug = 3
app opensc-pkcs11 { ignored_readers = a, "b c"; }
App "default", x {
  card_driver y { ignored_readers = z; atr = 3b:00{; }
  Ignored_Readers =\r\n "Reader 00 01" # two
    , other }
"""
    yield "empty", b""
    yield "open", b"app default { a = \"b\n; }"


def config_head(identities=3):
    return u8(2) + u32(identities) + u32(3000) + u8(1)


CONFIG_EMPTY = config_head() + u32(0) * 3 + u8(0) * 2


def config_full():
    def maybe(value):
        return u8(0) if value is None else u8(1) + string(value)

    def texts(*values):
        return u8(1) + u32(len(values)) + b"".join(map(string, values))

    def uri(serial=None, label=None, number=None):
        return (maybe(None) * 2 + maybe(serial) + maybe(label)
                + maybe(None) * 2 + maybe(number))

    def place(line):
        return string("/etc/p11-agent/p11-agent.conf") + u32(line)

    provider = (string("soft") + string("/usr/lib/x.so") + maybe("a=b")
                + texts("A=1", "B=2") + place(1))
    token = (string("t") + uri(serial="0") + u8(2) + u32(60) + u32(0)
             + u32(10) + u8(3) + texts("pinentry") + place(5))
    key = (string("k") + u8(1) + uri(label="t", number=b"\0\1")
           + maybe("SHA256:x") + maybe(b"blob") + u8(0) + place(9))
    deny = (string("d") + u8(0) + uri() + maybe("SHA256:y") + maybe(None)
            + u8(1) + place(12))
    return (config_head(2) + u32(1) + provider + u32(1) + token
            + u32(2) + key + deny + texts("/etc/p11-agent/p11-agent.conf")
            + texts("/etc/p11-agent/p11-agent.conf:9: hardly meant"))


@target("config-flat")
def config_flat():
    yield "empty", CONFIG_EMPTY
    yield "full", config_full()


@target("config-reply")
def config_reply():
    yield "config", u8(0) + CONFIG_EMPTY
    yield "path", u8(0) + b"/usr/lib/x.so"
    yield "error", u8(1) + "a.conf:1: \u2026 is wrong".encode()


@target("config-text")
def config_text():
    yield "full", b"""\
max-identities = 2 # two
start-wait = "500ms" /* half
a second */ allow-root = no
provider "soft" {
\tmodule = '/usr/lib/x.so' init-args = "a=\\"b\\\\"
\tenv = { "A=1", "B=2" }
}
token t { uri = "pkcs11:serial=0;model=m%3b" pin-source = { askpass } }
key "k" { // comment
\turi = "pkcs11:token=t;id=%01%02;object=o?" deny = "yes"
}
"""
    yield "include", b"include(\"a.conf\")\nkey a { uri = 'pkcs11:' }\n"
    yield "fingerprint", (b'key "k" { fingerprint = "SHA256:'
                          + b"A" * 43 + b'" }\n')


# Made by openssl genpkey, pkey -pubout and req -x509; explicit has its curve's
# parameters spelt out.
DER = {
    "rsa.spki":
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA5GmKoyVsD+h+W7FrCMXfu4YfFA"
    "7mosyCaJIAeUQPHyJkkYTYFkDjfVEavfbj21G8K79hrez7e5ZLwVFTnL2riymGYfLf9MXb"
    "L07EaImCupa2rQpe5bPtcop6Rs77VDysG6/rIL601eCc95oY+widWkH1TqTm4iwfLjrCNW"
    "I7HH5Oxn1XfN9mGq6sXGWK0loCdF+rZuOI1sHgQuZrCM4rNO/rtTlCMi6ozsguUw1BxhAo"
    "uKX8e4qR7H/6RjpN8OkYvZrgyODeX+mdDwfVMFHjHht79lOSbTs4Trhec5SeLV30kYqVAZ"
    "duMJV/rciX8UGg2C4ctSi/diGVvwlHeSQ9IQIDAQAB",
    "p256.spki":
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9tOejSl1MjoERxFdguNCav+/3+MGcWj3Q9"
    "zMKJ6w0KbamHrXPE2eZwrWAeeXBaUW2sUiEvvtxH/thUiToXEwng==",
    "k1.spki":
    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEjAyH0R5Ueh6gemQuPZn8MTPD0irS1ZaP3n/sQ1"
    "sRVI2V4V/h6gdqhWhzf3ILJpdsHpumwIxTaCsFdN39N9rLIg==",
    "explicit.spki":
    "MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAA"
    "AAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8"
    "BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wSTamZ44ROdJr"
    "eBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8"
    "D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8Yy"
    "VRAgEBA0IABEVvyZRDwyTtxgzRvjQyBcv3fAiEG2rtl3lrgTCIefV4Ux7bt6/x93Rv3djb"
    "NdQbJAggGnWhjJwYXxzXJtUzD4I=",
    "ed25519.spki":
    "MCowBQYDK2VwAyEAN04BNvgho4c710EueMwY75H+Iq4Thg/6QnPvcvFwXaM=",
    "p256.cert":
    "MIIBbTCCAROgAwIBAgIUGCWqM4girK1GbEIPGwDAiw853CwwCgYIKoZIzj0EAwIwDDEKMA"
    "gGA1UEAwwBdDAeFw0yNjExMjQwMzQ4MzZaFw0yNjExMjUwMzQ4MzZaMAwxCjAIBgNVBAMM"
    "AXQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT2056NKXUyOgRHEV2C40Jq/7/f4wZxaP"
    "dD3MwonrDQptqYetc8TZ5nCtYB55cFpRbaxSIS++3Ef+2FSJOhcTCeo1MwUTAdBgNVHQ4E"
    "FgQU07DxiwYG+v/gmGEKLVoPqkHchbQwHwYDVR0jBBgwFoAU07DxiwYG+v/gmGEKLVoPqk"
    "HchbQwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBu9NefWQB8M5PlRbAG"
    "SbnWGSKzeM+W2YCsiPyY6jTDrwIhAOXIA9J4CvdLrA2QYpM4vm9G+hHKFk8+LHGj1h8RNE"
    "R+",
    "ed25519.cert":
    "MIIBLDCB36ADAgECAhQdyqzp+ioFYj4f3VuATgzivcgNQjAFBgMrZXAwDDEKMAgGA1UEAw"
    "wBdDAeFw0yNjExMjQwMzQ4MzZaFw0yNjExMjUwMzQ4MzZaMAwxCjAIBgNVBAMMAXQwKjAF"
    "BgMrZXADIQA3TgE2+CGjhzvXQS54zBjvkf4irhOGD/pCc+9y8XBdo6NTMFEwHQYDVR0OBB"
    "YEFC9fu1eSBGWe4WBHRQ/wP8PS55mCMB8GA1UdIwQYMBaAFC9fu1eSBGWe4WBHRQ/wP8PS"
    "55mCMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EA9znft5GEohx3fcpRuN0/iATb7gCJWh"
    "kEoNSez1lwBsq7/UK3UQo9ehi4exhhA0Y3ky9vGEqzGFC4r+RNVB7tCw==",
}


def der(name):
    return base64.b64decode(DER[name])


@target("spki")
def spkis():
    for name in DER:
        if name.endswith(".spki"):
            yield name.removesuffix(".spki"), der(name)


@target("certificate")
def certificates():
    for name in DER:
        if name.endswith(".cert"):
            yield name.removesuffix(".cert"), der(name)
    yield "padded", der("p256.cert") + bytes(8)


@target("ec-point")
def ec_points():
    def both(params, point):
        return u8(len(params)) + params + point

    p256 = bytes.fromhex("06082a8648ce3d030107")
    point = der("p256.spki")[-65:]
    ed25519 = der("ed25519.spki")[-32:]
    yield "p256-bare", both(p256, point)
    yield "p256-wrapped", both(p256, b"\4\x41" + point)
    yield "p256-compressed", both(p256, u8(2 + point[64] % 2) + point[1:33])
    yield "p256-name", both(b"\x13\x0aprime256v1", point)
    # Its parameters spelt out, as libykcs11 does.
    yield "p256-explicit", both(bytes.fromhex(
        "3081f7020101302c06072a8648ce3d0101022100ffffffff0000000100000000"
        "0000000000000000ffffffffffffffffffffffff305b0420ffffffff00000001"
        "000000000000000000000000fffffffffffffffffffffffc04205ac635d8aa3a"
        "93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b031500c49d36"
        "0886e704936a6678e1139d26b7819f7e900441046b17d1f2e12c4247f8bce6e5"
        "63a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a"
        "7c0f9e162bce33576b315ececbb6406837bf51f5022100ffffffff00000000ff"
        "ffffffffffffffbce6faada7179e84f3b9cac2fc632551020101"), point)
    yield "k1", both(bytes.fromhex("06052b8104000a"), b"\4\x41" + point)
    yield "ed25519-oid", both(bytes.fromhex("06032b6570"),
                              b"\4\x20" + ed25519)
    yield "ed25519-name", both(b"\x13\x0cedwards25519", ed25519)
    yield "ed25519-bits", both(b"\x13\x0cedwards25519",
                               b"\3\x21\0" + ed25519)


@target("wire")
def wire_messages():
    token_id = b"".join(string(text) for text in (
        "Yubico", "YubiKey YK5", "10112904", "work",
        "Yubico YubiKey CCID 00 00"))
    error = (string("C_Sign") + u64(0x32) + string("CKR_DEVICE_REMOVED")
             + string("text"))

    def key(kind, a, b=b"", reason=""):
        value = u8(kind) + string(a) + string(b)
        return (hashlib.sha256(value).digest() + value + string(b"\1")
                + string("label") + string("other") + string("") + u32(0x11)
                + string(reason))

    keys = [
        key(1, b"\xc3" * 256, b"\1\0\1"),
        key(2, b"\4" + b"\1" * 64),
        key(3, b"\4" + b"\1" * 96),
        key(4, b"\4" + b"\1" * 132),
        key(5, b"\7" * 32),
        key(6, b"secp256k1", b"", "no SSH algorithm"),
    ]
    yield "start-scan", (u8(1) + u8(1) + string("opensc-pkcs11.so")
                         + string("") + string("opensc") + string("") * 5
                         + u32(0))
    yield "start-token", (u8(1) + u8(2) + string("/usr/lib/x.so")
                          + string("configdir=x") + string("x") + token_id
                          + u32(2)
                          + string("Reader 00 01") + string(""))
    yield "start-names", u8(1) + u8(3) + string("") * 8 + u32(0)
    yield "start-watch", (u8(1) + u8(4) + string("x.so") + string("") * 7
                          + u32(0))
    yield "login", u8(2) + u32(1) + string("123456") + u8(1) + u8(0)
    yield "sign-ecdsa", (u8(3) + u32(2) + bytes(32) + u8(3)
                         + string(bytes(32)) + u8(0) + string("") + u8(0) * 2
                         + u8(1))
    yield "sign-ed25519", (u8(3) + u32(3) + bytes(32) + u8(4)
                           + string("message") + u8(1) + string("1234")
                           + u8(1) + u8(0) * 2)
    yield "module", (u8(65) + string("/usr/lib/x.so") + string("OpenSC")
                     + string("OpenSC Project") + u8(1))
    yield "token", (u8(66) + token_id + u32(0x81) + u32(6) + u32(8)
                    + u32(len(keys)) + b"".join(keys))
    yield "token-one", (u8(66) + token_id + u32(1) + u32(0) + u32(0)
                        + u32(1) + keys[4])
    yield "token-empty", u8(66) + token_id + u32(0) * 4
    yield "failed", u8(68) + error
    yield "login-result", u8(69) + u32(1) + u8(3) + u32(0x0c) + u8(1) + error
    yield "sign-result", (u8(70) + u32(2) + u8(0) + u8(1) + u32(0) + u8(1)
                          + string("") + u64(0) + string("") * 2
                          + string(b"\1" * 64))
    yield "registered", (u8(71) + string("softhsm2") + string("/usr/lib/x.so")
                         + string("") + u8(0))
    yield "registered-trust", (u8(71) + string("p11-kit-trust")
                               + string("/usr/lib/t.so") + string("a=b")
                               + u8(1))
    yield "sign-lost", (u8(70) + u32(2) + u8(5) + u8(2) + u32(0x40) + u8(1)
                        + error
                        + string(""))


class Steps:
    """Inputs of fuzz-dispatch and fuzz-control: see their run_step."""

    RAW, CHILD, ASK, CONNECT, HANG_UP = range(5)

    @staticmethod
    def step(number, peer=0, modulus=5):
        """A byte whose two upper bits name the peer."""
        low = next(n for n in range(64) if (peer * 64 + n) % modulus == number)
        return u8(peer * 64 + low)

    @staticmethod
    def short(value):
        return u8(len(value)) + value

    @classmethod
    def frame(cls, body, peer=0):
        return cls.step(cls.RAW, peer) + cls.short(string(body))

    @classmethod
    def sign(cls, key, flags=2, peer=0):
        return cls.step(cls.ASK, peer) + u8(key) + u8(flags)

    @classmethod
    def child(cls, which, what, rest, modulus=5):
        return (cls.step(cls.CHILD, 0, modulus) + u8(which) + u8(what)
                + rest)

    @classmethod
    def signed(cls, which, number, outcome=0, **more):
        return cls.child(which, 1, u8(number) + u8(outcome) + u8(1), **more)

    @classmethod
    def logged_in(cls, which, number, outcome=0, flags=3, **more):
        return cls.child(which, 2, u8(number) + u8(outcome) + u8(flags),
                         **more)

    @classmethod
    def typed(cls, which, pin, status=0, unattended=0, **more):
        return cls.child(which, 3, cls.short(pin) + u8(status)
                         + u8(unattended), **more)

    @classmethod
    def died(cls, which, **more):
        return cls.child(which, 4, b"", **more)


@target("dispatch")
def dispatches():
    s = Steps
    listed = s.frame(u8(11))
    yield "list", listed + s.frame(u8(27) + string("query"))
    yield "sign", listed + s.sign(0) + s.signed(0, 1, 1) + s.typed(1, b"1234") \
        + s.logged_in(0, 2) + s.signed(0, 3)
    # Two upper bits of an outcome tell what became of the PIN.
    yield "each", (listed + s.sign(0) + s.signed(0, 1, 2)
                   + s.typed(1, b"1111") + s.signed(0, 2, 35)
                   + s.typed(1, b"1234") + s.signed(0, 3, 16) + s.sign(0)
                   + s.sign(0, peer=1) + s.signed(0, 4, 2)
                   + s.typed(1, b"1234") + s.signed(0, 5, 37) + s.died(0))
    yield "wrong-pin", (s.sign(0) + s.signed(0, 1, 1) + s.typed(1, b"1111")
                        + s.logged_in(0, 2, 3, 1) + s.typed(1, b"1111")
                        + s.typed(1, b"1234") + s.logged_in(0, 3)
                        + s.signed(0, 4))
    yield "lost", (s.sign(0) + s.sign(1) + s.died(0) + s.signed(0, 1, 5)
                   + s.died(0) + s.died(0))
    yield "left", (s.sign(0) + s.step(s.CONNECT, 1) + s.sign(0, peer=1)
                   + s.signed(0, 1, 1) + s.step(s.HANG_UP)
                   + s.signed(0, 2, 1) + s.step(s.HANG_UP, 1)
                   + s.typed(1, b"1234"))
    yield "offer", (s.frame(u8(20) + string("soft") + string("1234"))
                    + s.child(0, 0, s.short(u8(67))) + s.died(0)
                    + s.logged_in(0, 1) + s.logged_in(1, 1))
    yield "remove", (s.frame(u8(21) + string("soft") + string("")) + listed
                     + s.frame(u8(19)) + s.sign(0)
                     + s.frame(u8(20) + string("other") + string("")))
    yield "bound", (s.frame(u8(27) + string("session-bind@openssh.com"))
                    + s.frame(u8(20) + string("soft") + string("1"))
                    + s.frame(u8(20) + string("/x.so") + string("")))
    yield "half", s.step(s.RAW) + s.short(b"\0\0") + s.step(s.RAW) \
        + s.short(b"\0\1\x0b\0\0\0\0")


@target("control")
def controls():
    s = Steps

    def ask(choice, *words):
        text = b"".join(map(s.short, words))
        return s.step(2, 0, 4) + u8(choice + 64 * len(words)) + text

    def choice(number, words):
        return next(n for n in range(64) if (n + 64 * words) % 8 == number)

    def command(number, *words):
        return ask(choice(number, len(words)), *words)

    four = {"modulus": 4}
    yield "status", command(0) + command(7)
    yield "keys", command(1) + command(0, b"too", b"many")
    yield "reload", command(2) + s.died(0, **four) + command(2) + \
        s.child(0, 0, s.short(u8(0) + CONFIG_EMPTY), **four) + command(0)
    yield "unlock", (command(3) + command(3, b"pin") + command(3, b"pin", b"1234")
                     + s.logged_in(0, 1, **four) + command(4))
    yield "wrong", (command(3, b"3", b"1111") + s.logged_in(0, 1, 3, **four)
                    + command(3, b"3", b"1111") + command(3, b"3", b"2222")
                    + s.step(3, 0, 4) + s.died(0, **four))
    yield "watch", command(6) + command(0) + s.step(3, 0, 4) + command(4)
    yield "release", command(3, b"3", b"1111") + command(5) + command(5, b"3")
    request = u8(1) + u32(1) + string("status")
    yield "raw", (s.step(0, 0, 4) + s.short(string(request))
                  + s.step(0, 0, 4) + s.short(string(u8(2) + u32(0))))


def main():
    for name, function in TARGETS.items():
        folder = SEEDS / name
        folder.mkdir(parents=True, exist_ok=True)
        for seed, content in function():
            (folder / seed).write_bytes(content)


if __name__ == "__main__":
    main()
