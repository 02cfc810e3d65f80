#!/usr/bin/env python3
"""The collection against server roots with real Apaches, each at an address of its own. Started by tests/ansible/run, in a network
that has nothing but a loopback.

    fleet.py fleet PROGRAM WORK_FOLDER            twenty roots, everything that is claimed
    fleet.py hosts:NUMBER PROGRAM WORK_FOLDER     so many roots, and what a host takes beside what Ansible itself takes

Ends with 0 only when every claim held.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
APACHE = "/usr/sbin/apache2"
MODULES = "/usr/lib/apache2/modules"
PHRASE = "a pass-phrase that nobody may see 7361"
FORKS = 12
# Where hosts with a network of their own find the authority.
MIDDLE = "10.9.0.1"
failures = 0


def claim(holds, words, more=""):
    """One line for what is claimed."""
    global failures
    print(f"{'ok' if holds else 'FAILED'}: {words}" + (f"\n{str(more)[:3000]}" if not holds else ""), flush=True)
    failures += not holds


def run(*words, **more):
    """A program that has to succeed."""
    return subprocess.run(words, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, **more).stdout


class Authority:
    """Who signs the certificates."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        self.root = folder / "root.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "root.key",
            "-out", self.root, "-subj", "/CN=Authority of the fleet", "-days", "90")
        self.made = 0

    def leaf(self, folder, names, phrase=None):
        """A certificate and its key, in the place of those that are there."""
        self.made += 1
        folder.mkdir(exist_ok=True)
        key, request, about = folder / "server.key", self.folder / "request", self.folder / "about"
        locked = ["-aes256", "-pass", f"pass:{phrase}"] if phrase else []
        run("openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", *locked, "-out", key)
        key.chmod(0o600)
        run("openssl", "req", "-new", "-key", key, "-out", request, "-subj", f"/CN={names[0]}", *(["-passin", f"pass:{phrase}"] if phrase else []))
        about.write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\nextendedKeyUsage=serverAuth\n")
        run("openssl", "x509", "-req", "-in", request, "-CA", self.root, "-CAkey", self.folder / "root.key", "-days", str(30 + self.made % 50),
            "-extfile", about, "-out", folder / "server.crt", "-set_serial", str(1000 + self.made))


class Host:
    """One server root with its Apache, which listens on port 80 of its own address."""

    def __init__(self, number, work, more=""):
        self.name = f"h{number}"
        self.domain = f"{self.name}.fleet.example"
        self.address = f"127.0.{1 + number // 250}.{1 + number % 250}"
        self.inside = []
        # Another one than ours.
        self.program = None
        self.folder = work / self.name
        self.root = self.folder / "Apache24"
        self.material = self.folder / "given"
        self.main = self.root / "conf/httpd.conf"
        for part in ("conf", "logs", "htdocs"):
            (self.root / part).mkdir(parents=True)
        (self.root / "htdocs/index.html").write_text(f"hello from {self.name}\n")
        loaded = "".join(
            f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in ("mpm_event", "authz_core", "dir", "alias", "socache_shmcb")
        )
        self.main.write_text(
            f'ServerRoot "{self.root}"\n{loaded}#LoadModule ssl_module {MODULES}/mod_ssl.so\nListen {self.address}:80\n'
            f'ServerName {self.domain}\nDocumentRoot "{self.root}/htdocs"\nPidFile "{self.root}/logs/httpd.pid"\n'
            f"ErrorLog logs/error_log\nStartServers 1\nThreadsPerChild 5\nMaxRequestWorkers 5\n"
            f"MinSpareThreads 1\nMaxSpareThreads 10\nUser www-data\nGroup www-data\n{more.replace('ADDRESS', self.address)}"
        )

    def with_network(self, number):
        """It is a machine of its own, as far as ports and addresses go; in front of what is started there."""
        here, there = f"to-{self.name}", f"of-{self.name}"
        for words in (
            ["netns", "add", self.name],
            ["link", "add", here, "type", "veth", "peer", "name", there],
            ["link", "set", there, "netns", self.name],
            ["addr", "add", f"{MIDDLE}/32", "dev", here],
            ["link", "set", here, "up"],
            ["-n", self.name, "addr", "add", f"{MIDDLE[:-1]}{number}/24", "dev", there],
            ["-n", self.name, "link", "set", there, "up"],
            ["-n", self.name, "link", "set", "lo", "up"],
            ["route", "add", f"{MIDDLE[:-1]}{number}/32", "dev", here],
        ):
            run("ip", *words)
        self.main.write_text(self.main.read_text().replace(self.address, f"{MIDDLE[:-1]}{number}"))
        self.address = f"{MIDDLE[:-1]}{number}"
        self.inside = ["ip", "netns", "exec", self.name]
        return self

    def start(self):
        """Its Apache is up."""
        run(*self.inside, APACHE, "-d", self.root, "-f", self.main, "-k", "start")

    def stop(self):
        """Its Apache is gone."""
        pid = self.root / "logs/httpd.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)

    def files(self):
        """Every file below conf with its bytes and mode, but for what our program keeps and the copies of certificates."""
        kept = {}
        for path in sorted((self.root / "conf").rglob("*")):
            name = str(path.relative_to(self.root))
            if not path.is_dir() and not name.startswith(("conf/esync-ssl-", "conf/ssl/")):
                kept[name] = (path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest())
        return kept

    def everything(self):
        """Every file below conf, without exception."""
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted((self.root / "conf").rglob("*"))}

    def shown(self):
        """The certificate that clients get (PEM), or why they get none."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with socket.create_connection((self.address, 443), timeout=10) as plain:
                with context.wrap_socket(plain, server_hostname=self.domain) as secure:
                    return ssl.DER_cert_to_PEM_cert(secure.getpeercert(True)).strip()
        except OSError as error:
            return str(error)

    def given(self):
        """The certificate that it was given (PEM)."""
        return (self.material / "server.crt").read_text().strip()

    def serves_http(self):
        """Whether HTTP answers as it did."""
        try:
            with urllib.request.urlopen(f"http://{self.address}/", timeout=10) as answer:
                return answer.read().decode() == f"hello from {self.name}\n"
        except OSError:
            return False


class Fleet:
    """Hosts, and how Ansible is run on them."""

    def __init__(self, program, work):
        self.work, self.hosts, self.runs, self.everything_said = work, [], 0, ""
        # It notes what it is called with, as everybody on the host can see it.
        self.seen = work / "command-lines"
        self.program = work / "esync-ssl"
        self.program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>"{self.seen}"\nexec "{program}" "$@"\n')
        self.program.chmod(0o755)

    def started_by(self, host):
        """The program as this host is asked for it."""
        if host.program:
            return str(host.program)
        if not host.inside:
            return str(self.program)
        program = host.folder / "esync-ssl"
        program.write_text(f'#!/bin/sh\nexec {" ".join(host.inside)} "{self.program}" "$@"\n')
        program.chmod(0o755)
        return str(program)

    def inventory(self, hosts):
        """The hosts as Ansible wants them."""
        every = {
            host.name: {
                "domain": host.domain,
                "program": self.started_by(host),
                "root": str(host.root),
                "folder": str(host.folder),
                "cert": str(host.material / "server.crt"),
                "key": str(host.material / "server.key"),
            }
            for host in hosts
        }
        common = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "httpd": APACHE,
        }
        file = self.work / "inventory.json"
        file.write_text(json.dumps({"all": {"hosts": every, "vars": common}}))
        return file

    def play(self, name, hosts=None, variables=None, options=()):
        """Runs a playbook. The results of its last task by host, and what was printed."""
        self.runs += 1
        results = self.work / f"results-{self.runs}.jsonl"
        results.touch()
        file = self.work / "variables.json"
        file.write_text(json.dumps(variables or {}))
        environment = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(self.work.parent / "collections"),
            ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callback_plugins"),
            ANSIBLE_CALLBACKS_ENABLED="results",
            ANSIBLE_FORKS=str(FORKS),
            ANSIBLE_LOCALHOST_WARNING="false",
            ANSIBLE_HOME=str(self.work / "ansible-home"),
            ANSIBLE_NOCOLOR="true",
            ESYNC_SSL_TEST_RESULTS=str(results),
            # A task means the same whatever the environment of the host says.
            ESYNC_SSL_DOMAIN="other.example",
            ESYNC_SSL_PORT="444",
        )
        began = time.monotonic()
        done = subprocess.run(
            ["ansible-playbook", "-i", self.inventory(hosts or self.hosts), HERE / "plays" / f"{name}.yml", "-e", f"@{file}", *options],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )
        took = time.monotonic() - began
        self.everything_said += done.stdout + done.stderr
        lines = [json.loads(line) for line in results.read_text().splitlines()]
        told = {line["host"]: line for line in lines}
        print(f"   {name} {' '.join(options)}: {took:.1f} s for {len(told)} hosts", flush=True)
        return Played(told, lines, done.stdout + done.stderr, took)


class Played:
    """What became of a play."""

    def __init__(self, told, lines, said, took):
        self.told, self.lines, self.said, self.took = told, lines, said, took

    def those(self, which):
        """Names of hosts that changed or failed."""
        return {host for host, line in self.told.items() if line[which]}

    def comes_to(self, words, hosts, changed, failed=()):
        """Claims which hosts changed and failed, out of all."""
        holds = self.those("changed") == set(changed) and self.those("failed") == set(failed) and set(self.told) == {h.name for h in hosts}
        claim(holds, f"{words}: {len(set(changed))} of {len(hosts)} changed, {len(set(failed))} failed", self.said[-3000:])


def names(hosts):
    """Their names."""
    return [host.name for host in hosts]


def by_hand(host):
    """What somebody wrote by hand, and nobody may purge: another site, a module that is not known, a listener in an include."""
    (host.root / "conf/extra").mkdir()
    (host.root / "conf/extra/tls-port.conf").write_text(f"<IfModule ssl_module>\n    Listen {host.address}:443\n</IfModule>\n")
    (host.root / "conf/extra/other.conf").write_text(
        f"# By hand; keep.\n<VirtualHost {host.address}:80>\n    ServerName other.example\n    DocumentRoot \"{host.root}/htdocs\"\n"
        "    <IfModule unknown_module>\n        UnknownDirective on\n    </IfModule>\n</VirtualHost>\n"
    )
    with host.main.open("a") as main:
        main.write("Include conf/extra/*.conf\n")


def the_fleet(fleet):
    """Twenty roots, everything that is claimed."""
    work = fleet.work
    authority = Authority(work / "authority")
    hosts = fleet.hosts = [Host(number, work) for number in range(1, 21)]
    for host in hosts:
        authority.leaf(host.material, [host.domain])
    hand = hosts[4]
    by_hand(hand)
    # Its key has a pass-phrase.
    locked = hosts[5]
    authority.leaf(locked.material, [locked.domain], PHRASE)
    for host in hosts:
        host.start()
    other_key, no_certificate, wrong_line = broken = hosts[17:]
    shutil.copy(hosts[0].material / "server.key", other_key.material / "server.key")
    (no_certificate.material / "server.crt").rename(no_certificate.folder / "later.crt")
    good_text = wrong_line.main.read_text()
    wrong_line.main.write_text(good_text + "<VirtualHost *:80>\nServerName open.example\n")
    good = hosts[:17]
    phrase = {"passphrase": PHRASE}

    before = {host.name: host.everything() for host in hosts}
    untouched = {host.name: host.files() for host in hosts}
    checked = fleet.play("https", variables=phrase, options=["--check", "--diff"])
    checked.comes_to("check mode", hosts, names(good), names(broken))
    claim(before == {host.name: host.everything() for host in hosts}, "check mode wrote nothing: no file, no folder, no time of change")
    claim(all(f"+Listen {host.address}:443" in checked.said for host in good if host is not hand), "the difference shows the new lines", checked.said)
    codes = [checked.told[host.name]["result"].get("error", {}).get("code") for host in broken]
    found = [[f["code"] for f in checked.told[host.name]["result"].get("findings", [])] for host in broken]
    claim("KEY-MISMATCH" in found[0] and codes[2] == "CONFIG-BROKEN", "failures have our codes", (codes, found))
    said = [checked.told[host.name]["result"]["msg"] for host in broken]
    claim("KEY-MISMATCH" in said[0] and "does not exist" in said[1] and "VirtualHost" in said[2] and f"{wrong_line.main}:" in said[2],
          "failures say what, where and what helps", "\n".join(said))
    print("   for example: " + said[0].replace("\n", "\n      "))

    applied = fleet.play("https", variables=phrase, options=["-vvv", "--diff"])
    applied.comes_to("apply, with restart", hosts, names(good), names(broken))
    claim(all(host.shown() == host.given() for host in good), "each of them shows its certificate", [host.shown() for host in good])
    claim(all(host.serves_http() for host in hosts), "HTTP answers on all hosts as before, on the broken ones too")
    claim(all(host.files() == untouched[host.name] for host in broken), "the broken ones are the same bytes")
    listens = [path.read_text() for path in (hand.root / "conf").rglob("*.conf") if "esync-ssl" not in str(path)]
    claim(sum(text.count(f"Listen {hand.address}:443") for text in listens) == 1, "a Listen that an include has is not written twice")
    claim({k: v for k, v in hand.files().items() if "extra" in k} == {k: v for k, v in untouched[hand.name].items() if "extra" in k},
          "what is there by hand and unknown is not purged")
    again = fleet.play("https", good, phrase)
    again.comes_to("apply again", good, [])
    claim(all(line["result"]["server"]["result"] == "shows-it" for line in again.told.values()), "no server was restarted for it")

    for host in good:
        authority.leaf(host.material, [host.domain], PHRASE if host is locked else None)
    rotated = fleet.play("https", good, phrase)
    rotated.comes_to("another certificate in the same files", good, names(good))
    claim(all(host.shown() == host.given() for host in good), "each of them shows the new one", [host.shown() for host in good])
    shutil.copy(other_key.folder / "given/server.key", work / "wrong.key")
    authority.leaf(other_key.material, [other_key.domain])
    (no_certificate.folder / "later.crt").rename(no_certificate.material / "server.crt")
    wrong_line.main.write_text(good_text)
    fleet.play("https", variables=phrase).comes_to("the three corrected", hosts, names(broken))

    open_ones = hosts[6:12]
    for host in open_ones:
        authority.leaf(host.material, [host.domain])
        host.material.chmod(0o700)
    lines = {host.name: host.files() for host in hosts}
    fleet.play("renew", open_ones, options=["--check"]).comes_to("renew from files, check mode", open_ones, names(open_ones))
    claim(not any(host.shown() == host.given() for host in open_ones), "the old ones are still shown")
    fleet.play("renew", open_ones).comes_to("renew from files", open_ones, names(open_ones))
    claim(all(host.shown() == host.given() for host in open_ones), "each of them shows the newest one")
    claim(lines == {host.name: host.files() for host in hosts}, "no line of a configuration changed for it")
    fleet.play("renew", open_ones).comes_to("renew again", open_ones, [])
    fleet.play("facts", open_ones).comes_to("facts", open_ones, [])

    empty = fleet.play("https", open_ones, {"state": "absent", "domain": ""})
    empty.comes_to("state absent with a domain that came out empty", open_ones, [], names(open_ones))
    claim(lines == {host.name: host.files() for host in hosts}, "which is not taken for all domains")

    gone = fleet.play("https", variables={"state": "absent"}, options=["--diff"])
    gone.comes_to("state absent", hosts, names(hosts))
    corrected = dict(untouched, **{wrong_line.name: {**untouched[wrong_line.name], "conf/httpd.conf": (
        wrong_line.main.stat().st_mode, hashlib.sha256(good_text.encode()).hexdigest())}})
    claim(corrected == {host.name: host.files() for host in hosts}, "every byte is back")
    claim(all("refused" in host.shown() and host.serves_http() for host in hosts), "and every server: HTTP alone", [h.shown() for h in hosts])
    fleet.play("https", variables={"state": "absent"}).comes_to("state absent again", hosts, [])

    few = hosts[6:9]
    fleet.play("role", few, options=["--check"]).comes_to("the role, check mode, before any certificate is there", few, [])
    claim(not any((host.folder / "material").exists() for host in few), "which brought none")
    fleet.play("role", few).comes_to("the role", few, names(few))
    claim(all(host.shown() == host.given() for host in few), "each of them shows what the role brought")
    second = fleet.play("role", few, options=["--check"])
    claim(not any(line["changed"] or line["failed"] for line in second.lines), "the role again, check mode: nothing to do", second.said)

    unread(fleet, few)
    schedule(fleet, few)
    acme(fleet)
    secrets(fleet, hosts, locked)
    strange(fleet, hosts[:6])


def unread(fleet, hosts):
    """Files that are right and that the servers have not read: check mode foresees the restart."""
    redirect = {"http": "redirect"}
    fleet.play("https", hosts, dict(redirect, restart=False)).comes_to("a redirect, without restart", hosts, names(hosts))
    foreseen = fleet.play("https", hosts, redirect, ["--check", "--diff"])
    foreseen.comes_to("the restart, check mode", hosts, names(hosts))
    claim("\nrestart Apache" in foreseen.said, "the difference is the restart", foreseen.said)
    fleet.play("https", hosts, redirect).comes_to("the restart", hosts, names(hosts))
    fleet.play("https", hosts, redirect, ["--check"]).comes_to("the restart again, check mode", hosts, [])


def strange(fleet, hosts):
    """Programs that are not ours, or of another version: a failure in words, and no trace of Python."""
    scripts = [
        "printf '\\351t\\351\\n'",
        "echo '{\"schema\": 1, \"version\": \"0.0.9\"}'",
        "echo '{\"schema\": 7, \"version\": \"7.0.0\"}'",
        "head -c 200000 /dev/zero | tr '\\0' '['",
        "exit 0",
        None,
    ]
    words = ["did not answer as esync-ssl does", "0.0.9 on this host answers in form 1 without command", "7.0.0 on this host answers in form 7",
             "did not answer as esync-ssl does", "it printed nothing", "is not a program"]
    for host, script in zip(hosts, scripts):
        host.program = host.folder / "another"
        if script is not None:
            host.program.write_text(f"#!/bin/sh\n{script}\n")
            host.program.chmod(0o755)
    played = fleet.play("https", hosts)
    played.comes_to("programs that are not ours", hosts, [], names(hosts))
    said = [str(played.told[host.name]["result"].get("msg")) for host in hosts]
    claim(all(part in words_said for part, words_said in zip(words, said)) and "Traceback" not in played.said,
          "each is told in words", "\n".join(said))


def schedule(fleet, hosts):
    """Renewals by cron, whose folder is none of this machine's."""
    cron = Path("/etc/cron.d")
    fleet.play("schedule", hosts, options=["--check"]).comes_to("schedule, check mode", hosts, names(hosts))
    claim(not list(cron.iterdir()), "which wrote nothing")
    fleet.play("schedule", hosts).comes_to("schedule", hosts, names(hosts))
    claim(len(list(cron.iterdir())) == len(hosts), "a file of cron for each")
    fleet.play("schedule", hosts).comes_to("schedule again", hosts, [])
    fleet.play("schedule", hosts, {"state": "absent"}).comes_to("schedule, state absent", hosts, names(hosts))
    claim(not list(cron.iterdir()), "which took them away")


def secrets(fleet, hosts, locked):
    """No pass-phrase and no key in what was printed, returned, typed or written."""
    keys = [path.read_text() for host in hosts for path in host.material.glob("*.key")]
    bodies = [line for key in keys for line in key.splitlines() if len(line) > 40]
    printed = "\n".join(path.read_text() for path in fleet.work.glob("results-*.jsonl")) + fleet.seen.read_text() + fleet.everything_said
    claim(PHRASE not in printed and not any(body in printed for body in bodies) and "PRIVATE KEY" not in printed,
          "no pass-phrase and no key in results, output with -vvv --diff, or command lines")
    claim("--passphrase-file=-" in fleet.seen.read_text(), "the pass-phrase went by the standard input")
    below = [path for path in locked.folder.rglob("*") if path.is_file() and PHRASE.encode() in path.read_bytes()]
    claim(not below, "nor in a file of the host", below)


def acme(fleet):
    """Certificates of an authority, which is pebble, for machines of their own."""
    hosts = [Host(20 + number, fleet.work).with_network(1 + number) for number in range(1, 4)]
    fleet.hosts.extend(hosts)
    for host in hosts:
        host.start()
    with Pebble(fleet.work / "pebble", hosts) as pebble:
        variables = {"ca": pebble.directory, "ca_root": str(pebble.root)}
        fleet.play("acme", hosts, variables, ["--check"]).comes_to("ACME, check mode", hosts, names(hosts))
        claim(pebble.made() == 0, "which asked nobody")
        ordered = fleet.play("acme", hosts, variables)
        ordered.comes_to("ACME", hosts, names(hosts))
        claim(pebble.made() == len(hosts) and all("BEGIN CERTIFICATE" in host.shown() for host in hosts),
              "each shows the certificate that was made", (pebble.made(), [host.shown() for host in hosts], ordered.said))
        fleet.play("acme", hosts, variables).comes_to("ACME again", hosts, [])
        claim(pebble.made() == len(hosts), "which ordered nothing")


class Pebble:
    """Debian's test authority with its DNS server."""

    def __init__(self, folder, hosts):
        self.folder, self.hosts, self.children = folder, hosts, []
        own = Authority(folder)
        self.root, self.log = own.root, folder / "log"
        self.directory = f"https://{MIDDLE}:14000/dir"
        request = folder / "own"
        own.leaf(request, ["localhost"])
        # Its own certificate is for an address.
        run("openssl", "req", "-new", "-key", request / "server.key", "-out", folder / "r", "-subj", "/CN=pebble")
        (folder / "a").write_text(f"subjectAltName=IP:{MIDDLE}\nextendedKeyUsage=serverAuth\n")
        run("openssl", "x509", "-req", "-in", folder / "r", "-CA", own.root, "-CAkey", folder / "root.key", "-days", "5", "-extfile", folder / "a",
            "-out", request / "server.crt", "-set_serial", "7")
        (folder / "pebble.json").write_text(json.dumps({"pebble": {
            "listenAddress": f"{MIDDLE}:14000", "managementListenAddress": "127.0.0.1:15000",
            "certificate": str(request / "server.crt"), "privateKey": str(request / "server.key"),
            "httpPort": 80, "tlsPort": 443, "ocspResponderURL": "", "externalAccountBindingRequired": False,
        }}))

    def __enter__(self):
        with self.log.open("w") as log:
            for words in (
                ["pebble-challtestsrv", "-dns01", "127.0.0.1:8053", "-management", "127.0.0.1:8055", "-http01", "", "-https01", "",
                 "-tlsalpn01", "", "-defaultIPv6", ""],
                ["pebble", "-config", self.folder / "pebble.json", "-strict", "-dnsserver", "127.0.0.1:8053"],
            ):
                environment = dict(os.environ, PEBBLE_VA_NOSLEEP="1")
                self.children.append(subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment))
        for end in (("127.0.0.1", 8055), (MIDDLE, 14000)):
            for _ in range(600):
                try:
                    socket.create_connection(end, timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.05)
        for host in self.hosts:
            body = json.dumps({"host": host.domain, "addresses": [host.address]}).encode()
            urllib.request.urlopen("http://127.0.0.1:8055/add-a", data=body, timeout=10).close()
        return self

    def made(self):
        """How many certificates it made."""
        return self.log.read_text().count("Issued certificate serial")

    def __exit__(self, *_):
        for child in self.children:
            child.kill()
            child.wait()


def many(number, fleet):
    """So many roots, and what each takes."""
    work = fleet.work
    authority = Authority(work / "authority")
    fleet.hosts = [Host(index, work) for index in range(1, number + 1)]
    for host in fleet.hosts:
        authority.leaf(host.material, [host.domain])
    off = {"restart": False}
    nothing = fleet.play("true")
    took = {
        "check mode": fleet.play("https", variables=off, options=["--check"]),
        "apply": fleet.play("https", variables=off),
        "apply again": fleet.play("https", variables=off),
    }
    for what, changed in (("check mode", fleet.hosts), ("apply", fleet.hosts), ("apply again", [])):
        took[what].comes_to(what, fleet.hosts, names(changed))
    print(f"ansible.builtin.command /bin/true: {nothing.took / number:.3f} s a host, {FORKS} forks")
    for what, played in took.items():
        share = (played.took - nothing.took) / played.took
        print(f"{what}: {played.took / number:.3f} s a host, of which {share:.0%} are ours")


def main():
    """One part."""
    part, program, work = sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    fleet = Fleet(program, work)
    try:
        if part == "fleet":
            the_fleet(fleet)
        else:
            many(int(re.fullmatch(r"hosts:(\d+)", part).group(1)), fleet)
    finally:
        for host in fleet.hosts:
            host.stop()
    print(f"{failures} claims failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
