# SPDX-License-Identifier: BSD-2-Clause
"""p11-agentctl allow, deny, export, reload: a person's first hour."""
import os
import signal
import stat
import subprocess

import pytest

from config import key, provider, simple
from daemon import Askpass, program, wait_until
from home import HomeDaemon


@pytest.fixture
def home(directory):
    """home(config, token, …): a running agent with a config folder."""
    made = []

    def make(config, *tokens, pins=(), **options):
        env = {}
        for token in tokens:
            env.update(token.env)
        where = directory / ("a%d" % len(made))
        where.mkdir()
        daemon = HomeDaemon(where, config, env=env,
                            askpass=Askpass(where / "ask", pins), **options)
        made.append(daemon)
        return daemon

    yield make
    for daemon in made:
        daemon.finish()


@pytest.fixture
def token(softhsm):
    return softhsm("p256", "ed25519", "rsa2048", "p384")


@pytest.fixture
def a(home, token):
    return home(provider(token), token, pins=[token.pin])


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_allow_exposes_at_once(a):
    assert a.names() == []
    said = a.done("allow", "ed25519", "work")
    assert "number 1" in said and str(a.allowed) in said
    assert a.names() == ["work"]
    assert mode(a.allowed) == 0o600
    with a.client() as c:
        assert c.sign(c.blob("work")) is not None
    # Without a name it is the label, behind what is there.
    assert "number 2" in a.done("allow", "p256")
    assert a.names() == ["work", "p256"]
    assert a.run(program("p11-agentctl"), "check-config").returncode == 0


def test_allow_where_sigchld_is_ignored(a):
    """Some editors and daemons hand that down to what they start."""
    done = a.run(
        program("p11-agentctl"), "-a", a.socket, "allow", "p256", "mine",
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert done.returncode == 0, done.stderr
    assert a.names() == ["mine"]


def test_allow_outlives_the_agent(a):
    a.done("allow", "p256", "mine")
    assert a.stop() == 0
    a.start()
    assert a.names() == ["mine"]


def test_deny_takes_it_away(a):
    a.done("allow", "p256", "one")
    a.done("allow", "ed25519", "two")
    a.done("deny", "one")
    assert a.names() == ["two"]
    assert "denied by" in a.key("p256")["reason"]
    # And back, in its old place.
    a.done("allow", "p256")
    assert a.names() == ["one", "two"]


@pytest.mark.parametrize("word", ["fingerprint", "digits", "start", "file",
                                  "name"])
def test_ways_to_name_a_key(word, a, directory):
    k = a.key("ed25519")
    public = directory / "some.pub"
    public.write_text(k["public_key"] + "  a comment\n")
    words = {"fingerprint": k["fingerprint"], "digits": k["fingerprint"][7:],
             "start": k["fingerprint"][:15], "file": public,
             "name": "ed25519"}
    a.done("allow", words[word], "x")
    assert a.key("ed25519")["exposed"]
    a.done("allow", "x")
    assert a.names() == ["x"]


def test_words_that_name_no_key(a, directory):
    public = directory / "other.pub"
    assert "no key is called" in a.refused("allow", "nothing")
    assert "no key is called" in a.refused("allow", "SHA256:abc")
    assert "No such file" in a.refused("allow", public)
    public.write_text("ssh-ed25519 AAAA\n")
    assert "no token has this key" in a.refused("deny", public)
    os.mkfifo(directory / "fifo.pub")
    assert "cannot be read" in a.refused("allow", directory / "fifo.pub")
    assert not a.allowed.exists()


def test_label_on_two_tokens_is_ambiguous(home, softhsm):
    token = softhsm("p256", label="one")
    token.take_in(softhsm("p256", label="two"))
    # A template's copy would be the same key.
    token.tool("--token-label", "two", "--keypairgen", "--key-type",
               "EC:prime256v1", "--id", "07", "--label", "p256")
    a = home(provider(token), token)
    said = a.refused("allow", "p256")
    for k in a.keys():
        assert k["fingerprint"] in said
    a.done("allow", a.keys()[-1]["fingerprint"], "last")
    assert a.names() == ["last"]


def test_one_key_on_two_tokens(home, softhsm, directory):
    """A backup is the same key: both may sign with it."""
    pem = directory / "k.pem"
    der = directory / "k.der"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", pem],
                   check=True, capture_output=True, timeout=60)
    subprocess.run(["openssl", "rsa", "-in", pem, "-pubout", "-outform",
                    "DER", "-out", der], check=True, capture_output=True,
                   timeout=60)
    token = softhsm("p256", label="one")
    token.take_in(softhsm("p256", label="two"))
    for label in ("one", "two"):
        for path, kind in ((pem, "privkey"), (der, "pubkey")):
            token.tool("--token-label", label, "--write-object", path,
                       "--type", kind, "--id", "09", "--label", "backup",
                       *(["--usage-sign"] if kind == "privkey" else []))
    a = home(provider(token), token, pins=[token.pin])
    a.done("allow", "backup", "b")
    assert a.names() == ["b"]
    assert a.allowed.read_text().endswith("# 2 sections\n")
    a.done("deny", "b")
    assert a.names() == []


def test_person_s_deny_stands(home, token):
    config = provider(token) + (
        'key "never" { uri = "pkcs11:manufacturer=SoftHSM%20project" '
        'deny = "yes" }\n')
    a = home(config, token)
    said = a.refused("allow", "p256")
    assert "%s:2:" % a.own in said and "never" in said
    assert not a.allowed.exists()
    assert a.own.read_text() == config


def test_person_s_allow_is_enough(home, token):
    a = home(simple(token, 1), token)
    assert "already" in a.done("allow", "p256", "other")
    assert not a.allowed.exists()
    a.done("deny", "key1")
    assert a.names() == []
    a.done("allow", "p256")
    assert len(a.names()) == 1


def test_title_that_is_taken(home, token):
    a = home(provider(token) + key("p256", "token=other"), token)
    assert 'key "p256-2"' in a.done("allow", "p256")
    assert a.names() == ["p256-2"]


def test_more_than_max_identities(a):
    for n, label in enumerate(["p256", "ed25519", "rsa2048"]):
        assert "number %d" % (n + 1) in a.done("allow", label)
    assert "max-identities" in a.done("allow", "p384")
    assert len(a.names()) == 3


def test_allow_says_that_it_is_not_read(agent, token, directory):
    """With -f the agent reads that file alone."""
    a = agent(simple(token, 1), token,
              env={"XDG_CONFIG_HOME": str(directory / "c")})
    done = a.ctl("allow", "ed25519")
    assert done.returncode == 1
    assert "-f" in done.stderr and "allowed.conf" in done.stderr
    assert a.names() == ["key1"]


def test_config_that_is_broken_meanwhile(a):
    a.done("allow", "p256")
    before = a.allowed.read_text()
    a.own.write_text("no such thing {\n")
    assert "p11-agent.conf:1" in a.refused("allow", "ed25519")
    assert a.allowed.read_text() == before
    assert "p11-agent.conf:1" in a.refused("reload")
    assert a.names() == ["p256"]


def test_cut_allowed_conf_is_refused(a):
    """A deny is not lost with the end of the file."""
    a.done("allow", "p256")
    a.done("deny", "ed25519")
    text = a.allowed.read_text()
    a.allowed.write_text(text[:text.rindex("key ")])
    assert "allowed.conf" in a.refused("reload")
    assert "allowed.conf" in a.refused("allow", "rsa2048")
    assert a.names() == ["p256"]


def test_key_that_hides_before_login(home, softhsm):
    """Its public half is stored: the token shows nothing of it."""
    token = softhsm("rsa2048")
    token.tool("--delete-object", "--type", "pubkey", "--id", "01")
    a = home(provider(token), token, pins=[token.pin])
    assert a.keys() == []
    assert "before a login" in a.done("keys")
    subprocess.run([program("p11-agentctl"), "unlock", "--stdin", "test"],
                   input=token.pin + "\n", text=True, env=a.env, timeout=60,
                   check=True)
    assert a.key("rsa2048")["hidden_before_login"]
    a.done("allow", "rsa2048", "deep")
    stored, = (a.folder / "keys").iterdir()
    assert mode(stored.parent) == 0o700
    assert stored.read_text().startswith("ssh-rsa ")
    assert 'file = "keys/%s"' % stored.name in a.allowed.read_text()


def test_reload(a, token):
    said = a.done("reload")
    assert str(a.own) in said
    token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--id", "09",
               "--label", "new")
    a.done("reload")
    assert a.key("new")
    a.done("allow", "new")
    assert a.names() == ["new"]


def test_keys_says_how_to_make_one(home, softhsm):
    """The commands that it prints work as they are."""
    token = softhsm("p256")
    token.tool("--delete-object", "--type", "privkey", "--id", "01")
    token.tool("--delete-object", "--type", "pubkey", "--id", "01")
    a = home(provider(token), token)
    said = a.done("keys")
    command, = [part for part in said.replace("\\\n", " ").split("\n")
                if "pkcs11-tool" in part]
    done = subprocess.run(
        ["sh", "-c", command.strip() + " --pin " + token.pin],
        env=dict(os.environ, **token.env), timeout=60, capture_output=True)
    assert done.returncode == 0, done.stderr
    for word in ("reload", "allow", "export"):
        line, = [part for part in said.split("\n")
                 if part.startswith("    p11-agentctl " + word)]
        a.done(*line.split("#")[0].split()[1:])
    assert a.names() == ["ssh"]


# -- export

def test_export_prints_what_ssh_add_prints(a):
    a.done("allow", "ed25519", "b")
    a.done("allow", "p256", "a")
    assert a.done("export") == a.run("ssh-add", "-L").stdout
    assert a.done("export", "--authorized-keys") == a.done("export")
    # One that is not exposed, by its label.
    assert a.done("export", "rsa2048").startswith("ssh-rsa ")


def test_export_nothing(a):
    assert "no key is exposed" in a.refused("export")


def test_export_pub_files(a, directory):
    folder = directory / "pub"
    a.done("allow", "ed25519", "my key/1")
    a.done("allow", "p256", "b")
    a.done("export", "--pub", folder)
    assert sorted(os.listdir(folder)) == ["b.pub", "my_key_1.pub"]
    assert mode(folder / "b.pub") == 0o644
    for path in folder.iterdir():
        shown = a.run("ssh-keygen", "-l", "-f", path).stdout
        assert shown.split()[1] in a.run("ssh-add", "-l").stdout
    # Again: the same; and no other key's file is touched.
    a.done("export", "--pub", folder)
    (folder / "b.pub").write_text("ssh-rsa AAAA somebody else's\n")
    assert "left alone" in a.refused("export", "--pub", folder)
    assert (folder / "b.pub").read_text() == "ssh-rsa AAAA somebody else's\n"


def test_export_allowed_signers(a, directory):
    a.done("allow", "ed25519", "k")
    signers = directory / "signers"
    signers.write_text(a.done("export", "--allowed-signers", "me@x.org"))
    message = directory / "m"
    message.write_text("text\n")
    public = directory / "k.pub"
    public.write_text(a.done("export", "k"))
    done = a.run("ssh-keygen", "-Y", "sign", "-f", public, "-n", "git",
                 message)
    assert done.returncode == 0, done.stderr
    with open(message, "rb") as text:
        done = subprocess.run(
            ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I",
             "me@x.org", "-n", "git", "-s", str(message) + ".sig"],
            stdin=text, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [
    ["allow"], ["deny"], ["allow", "a", "b", "c"], ["deny", "a", "b"],
    ["export", "--pub", "x", "--authorized-keys"],
    ["export", "--allowed-signers", "two words"], ["export", "--stdin"],
    ["keys", "--pub", "x"], ["lock", "now"], ["unlock", "a", "b"]])
def test_usage(words, directory):
    """Before any agent is asked."""
    done = subprocess.run(
        [program("p11-agentctl"), "-a", directory / "none", *words],
        text=True, capture_output=True, timeout=30)
    assert done.returncode == 2
    assert done.stderr


def test_no_agent(directory):
    for words in (["allow", "x"], ["deny", "x"], ["export"], ["unlock"],
                  ["lock"], ["reload"]):
        done = subprocess.run(
            [program("p11-agentctl"), "-a", directory / "none", *words],
            text=True, capture_output=True, timeout=30)
        assert done.returncode == 3, words
        assert done.stderr


@pytest.mark.parametrize("word", ["PIV AUTH key", "PIV AUTH pubkey",
                                  "Certificate for PIV Authentication"])
def test_labels_of_a_card_before_its_login(word, home, piv):
    """OpenSC hides the private key, and its label, until the login."""
    card = piv({"9a": "p256", "9c": "p384"})
    a = home(provider(card, "opensc"), card, pins=[card.pin])
    a.done("allow", word, "work")
    assert a.names() == ["work"]
    with a.client() as c:
        assert c.sign(c.blob("work")) is not None
    # After it each of the three is known, and they mean one key.
    labels = a.key("PIV AUTH pubkey")["labels"]
    assert sorted(labels) == ["Certificate for PIV Authentication",
                              "PIV AUTH key", "PIV AUTH pubkey"]


def test_a_renewed_certificate_costs_no_key(home, piv):
    """OpenSC calls the token what its certificate is called."""
    card = piv({"9a": "p256"})
    a = home(provider(card, "opensc"), card, pins=[card.pin])
    before = a.key("PIV AUTH pubkey")
    a.done("allow", "PIV AUTH pubkey", "work")
    # A section as a person copies it out of `keys`.
    a.own.write_text(provider(card, "opensc") +
                     key("copied", before["uri"].removeprefix("pkcs11:")))
    a.done("reload")
    assert a.names() == ["copied"]
    card.order("remove")
    wait_until(lambda: a.names() == [])
    card.order("renew", "9a", "Renewed in 2027")
    card.order("insert")
    wait_until(lambda: a.names() == ["copied"])
    assert "Renewed in 2027" in a.key("PIV AUTH pubkey")["token"]
    a.own.write_text(provider(card, "opensc"))
    a.done("reload")
    assert a.names() == ["work"]


def test_a_section_for_another_token_says_so(home, token):
    k, = home(provider(token), token).keys()[:1]
    a = home(provider(token) + 'key "work" { fingerprint = "%s" '
             'uri = "pkcs11:token=before" }\n' % k["fingerprint"], token)
    assert a.names() == []
    found, = [x for x in a.keys() if x["fingerprint"] == k["fingerprint"]]
    assert 'key "work"' in found["reason"]
    assert "another token" in found["reason"]
    assert str(a.own) in found["reason"]
