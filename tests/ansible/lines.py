#!/usr/bin/env python3
"""The command lines of docs/fleets.md, and those of the role for Windows, as they stand there. Started by tests/ansible/run.

    lines.py unix PROGRAM WORK_FOLDER       Puppet, and what Salt runs
    lines.py windows PROGRAM WORK_FOLDER    installers and the role, through cmd /c; in tests/windows/session

Ends with 0 only when every claim held.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path

import fleet
from fleet import APACHE, Authority, Host, claim

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/fleets.md").read_text()
PHRASE = "words of the installer"


def block(language):
    """The only code of the page in that language."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, f"{len(blocks)} blocks of {language}"
    return blocks[0]


def unix(program, work):
    """Puppet and Salt."""
    authority = Authority(work / "authority")

    def here(text, host):
        """The same text for a host of ours."""
        for there, ours in (
            ("/usr/local/bin/esync-ssl", str(program)),
            ("--root /etc/apache2", f"--root {host.root} --httpd {APACHE}"),
            ("www.example.com", host.domain),
            ("/etc/pki/www.crt", str(host.material / "server.crt")),
            ("/etc/pki/www.key", str(host.material / "server.key")),
        ):
            assert there in text, there
            text = text.replace(there, ours)
        return text

    def host(number):
        one = Host(number, work)
        authority.leaf(one.material, [one.domain])
        one.start()
        fleet_hosts.append(one)
        return one

    fleet_hosts = []
    try:
        salt(host(1), here)
        if shutil.which("salt-call"):
            salt_itself(host(3), here, work)
        if shutil.which("puppet"):
            puppet(host(2), here, work)
        else:
            print("SKIPPED puppet is not installed")
    finally:
        for one in fleet_hosts:
            one.stop()


def salt_state():
    """The state of Salt of the page."""
    return re.search(r"^```yaml\n(\{% set.*?)^```$", PAGE, re.MULTILINE | re.DOTALL).group(1)


def salt(host, here):
    """What Salt runs, in the order in which it does."""
    state = salt_state()
    common = re.search(r"\{% set https = '(.*)' %\}", state).group(1)
    name, unless = (
        here(re.search(rf"- {part}: (.*)", state).group(1).replace("{{ https }}", common), host) for part in ("name", "unless")
    )

    def apply():
        asked = subprocess.run(unless, shell=True, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if asked.returncode == 0:
            return 0, None
        return asked.returncode, subprocess.run(name, shell=True, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)

    status, done = apply()
    claim((status, done.returncode) == (3, 0) and host.shown() == host.given(), "Salt's lines: unless has status 3, the command 0", done)
    status, done = apply()
    claim((status, done) == (0, None), "Salt's lines again: unless has status 0, and nothing is run", done)
    text = host.main.read_text()
    host.main.write_text(text + "<Directory />\n")
    status, done = apply()
    claim(status == 4 and done.returncode == 4 and str(host.main) in done.stderr, "Salt's lines on a broken server: both refuse, and say where")
    host.main.write_text(text)


def salt_itself(host, here, work):
    """Salt, without a master, where somebody installed it: it is too large to be had for each run of CI."""
    states, own = work / "salt/states", work / "salt/own"
    states.mkdir(parents=True)
    (own / "pki").mkdir(parents=True)
    (states / "https.sls").write_text(here(salt_state(), host))
    (own / "minion").write_text(f"root_dir: {own}\npki_dir: {own}/pki\nfile_client: local\nid: host\nfile_roots:\n  base: [{states}]\n")

    def apply(*words):
        line = ["salt-call", "--local", "--config-dir", own, "--out", "json", "--retcode-passthrough", "--log-level", "quiet"]
        done = subprocess.run([*line, "state.apply", "https", *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        try:
            (state,) = json.loads(done.stdout)["local"].values()
            return state["result"], bool(state["changes"]), str(state)
        except (ValueError, KeyError, AttributeError):
            return "no answer", None, done.stdout + done.stderr

    seen = apply("test=True")
    claim(seen[0] is None and host.shown() != host.given(), "Salt, test=True: would change", seen)
    seen = apply()
    claim(seen[:2] == (True, True) and host.shown() == host.given(), "Salt: changed, and the certificate is shown", seen)
    for words in [], ["test=True"]:
        seen = apply(*words)
        claim(seen[:2] == (True, False), f"Salt again, {words}: unchanged", seen)
    text = host.main.read_text()
    host.main.write_text(text + "<Directory />\n")
    seen = apply()
    claim(seen[0] is False and str(host.main) in seen[2], "Salt on a broken server: failed, with our words", seen)
    host.main.write_text(text)


def puppet(host, here, work):
    """Puppet itself."""
    manifest = work / "https.pp"
    manifest.write_text(here(block("puppet"), host))

    def apply():
        words = ["puppet", "apply", "--detailed-exitcodes", "--color=false", f"--confdir={work}/puppet", f"--vardir={work}/puppet", manifest]
        return subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)

    done = apply()
    claim(done.returncode == 2 and host.shown() == host.given(), "Puppet: changed (2), and the certificate is shown", done)
    done = apply()
    claim(done.returncode == 0, "Puppet again: unchanged (0)", done)
    text = host.main.read_text()
    host.main.write_text(text + "<Directory />\n")
    done = apply()
    claim(done.returncode in (4, 6) and "does not start" in done.stdout + done.stderr,
          "Puppet on a broken server: failed, with our words", done)
    host.main.write_text(text)


class Windows:
    """A Windows with eSync's Apache and an installer's folder, which is wine."""

    def __init__(self, program, work):
        self.work = work
        self.drive = Path(os.environ["WINEPREFIX"]) / "drive_c"
        self.root = self.drive / "eSync/Apache24"
        self.folder = self.drive / "Program Files/Our product (x86) & more"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        shutil.copy(program, self.folder / "esync-ssl.exe")
        authority = Authority(work / "authority")
        authority.leaf(work / "leaf", ["esync.example.com"])
        fleet.run("openssl", "pkcs12", "-export", "-in", work / "leaf/server.crt", "-inkey", work / "leaf/server.key", "-certfile", authority.root,
                  "-out", self.folder / "esync.pfx", "-passout", f"pass:{PHRASE}")
        typed = Path(__file__).with_name("typed.c")
        fleet.run("x86_64-w64-mingw32-gcc", "-O2", "-Wall", "-Werror", "-static-libgcc", "-o", self.drive / "typed.exe", typed)
        (self.folder / "phrase.txt").write_text(PHRASE + "\r\n")
        # There is no httpd in this tree: none that could be restarted.
        (self.folder / "answers.toml").write_text(block("toml").replace("restart = true\n", ""))
        self.again()

    def again(self):
        """The server root as it was."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(ROOT / "fixtures/esync/Apache24", self.root)
        # A double that is no program.
        (self.root / "bin/httpd.exe").unlink()

    def files(self):
        """The bytes of its configuration."""
        return {path: path.read_bytes() for path in sorted((self.root / "conf").glob("*.conf"))}

    def windows_folder(self):
        """The installer's folder, as Windows writes it."""
        return "C:\\" + str(self.folder.relative_to(self.drive)).replace("/", "\\")

    def started(self, line, typed=None):
        """Status and output of what is started by this very line."""
        (self.drive / "line.txt").write_bytes(line.encode())
        words = [os.environ["WINE"], "C:\\typed.exe", "C:\\line.txt"]
        done = subprocess.run(words, input=typed or "", capture_output=True, text=True, check=False, timeout=100)
        return done.returncode, done.stdout

    def cmd(self, line, typed=None):
        """The same of a line that cmd.exe reads as it stands."""
        return self.started(f'cmd /d /s /c "{line}"', typed)

    def on_and_off(self, what, on, off, starts_cmd=False):
        """The lines turn it on once, and off to the byte; where there is nothing to do it on, they say so."""
        cmd = self.started if starts_cmd else self.cmd
        self.again()
        before = self.files()
        first, again = cmd(on), self.started(on)
        changed = self.files() != before
        back = cmd(off)
        claim((first[0], again[0], back[0]) == (0, 0, 0) and changed and self.files() == before,
              f"{what}: on (0), again (0), off (0) with every byte back", (first, again, back, on))
        (self.root / "conf/httpd.conf").write_bytes(before[self.root / "conf/httpd.conf"] + b"<Directory />\r\n")
        broken = cmd(on)
        claim(broken[0] == 4, f"{what}: a broken server is refused with status 4", broken)
        shutil.rmtree(self.root)
        claim(cmd(on)[0] not in (0, 9, 15, 16, 18), f"{what}: no server is a failure, and none that trying again helps")


def windows(program, work):
    """Installers and the role."""
    machine = Windows(program, work)
    folder = machine.windows_folder()
    inno(machine, folder)
    commands = xml.etree.ElementTree.fromstring(f"<all>{block('xml')}</all>").iter("CustomAction")
    on, off = (command.get("ExeCommand").replace("[INSTALLFOLDER]", folder + "\\") for command in commands)
    machine.on_and_off("WiX", on, off)
    on, off = (line.replace("$INSTDIR", folder) for line in re.findall(r"ExecWait '(.*)'", block("nsis")))
    machine.on_and_off("NSIS", on, off)
    nsis(machine, work)
    role(machine, folder)
    shutil.rmtree(machine.root.parent, ignore_errors=True)
    shutil.rmtree(machine.folder, ignore_errors=True)


def inno(machine, folder):
    """Its line starts a cmd of its own."""
    code = block("pascal")
    around = re.search(r"ExpandConstant\('(/d /s /c .*?)' \+ Words \+ '(.*?)'\)", code)
    words = re.findall(r"Https\('(.*?)'\)", code)
    on, off = (("cmd " + around[1] + word + around[2]).replace("{app}", folder) for word in words)
    machine.on_and_off("Inno Setup", on, off, starts_cmd=True)
    log = (machine.folder / "esync-ssl.log").read_text()
    claim("error" in log, "Inno Setup: the log says why", log)


def nsis(machine, work):
    """The script itself is taken by its compiler. The installer is not run: without a screen it waits for ever under wine."""
    script = work / "setup.nsi"
    script.write_text(
        f'Unicode true\nName "Our product"\nOutFile "{work}/setup.exe"\nInstallDir "{machine.windows_folder()}"\n'
        'RequestExecutionLevel admin\nSection "Files"\n  WriteUninstaller "$INSTDIR\\uninstall.exe"\nSectionEnd\n' + block("nsis")
    )
    done = subprocess.run(["makensis", "-V2", script], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    claim(done.returncode == 0, "NSIS: makensis takes the script", done.stdout + done.stderr)


# What stands in the place of the module for Windows: the same options, carried out under wine.
WIN_COMMAND = """
import subprocess
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule(argument_spec=dict(cmd=dict(required=True), stdin=dict(no_log=True)))
with open({line!r}, "wb") as file:
    file.write(('cmd /d /s /c "' + module.params["cmd"] + '"').encode())
done = subprocess.run({start!r}, input=(module.params["stdin"] or "") + "\\n", capture_output=True, text=True)
module.exit_json(changed=True, rc=done.returncode, stdout=done.stdout, stderr=done.stderr)
"""


def role(machine, folder):
    """The role for Windows hosts, with a double of win_command that hands its line to cmd under wine."""
    modules = machine.work / "collections/ansible_collections/ansible/windows/plugins/modules"
    modules.mkdir(parents=True)
    start = [os.environ["WINE"], "C:\\typed.exe", "C:\\line.txt"]
    (modules / "win_command.py").write_text(WIN_COMMAND.format(line=str(machine.drive / "line.txt"), start=start))
    site = {"root": "C:\\eSync\\Apache24", "domain": "esync.example.com", "pfx": folder + "\\esync.pfx", "passphrase": PHRASE, "http": "keep"}
    results = machine.work / "results"
    environment = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=f"{os.environ['ANSIBLE_COLLECTIONS_PATH']}:{machine.work}/collections",
                       ANSIBLE_CALLBACK_PLUGINS=str(Path(__file__).with_name("callback_plugins")), ANSIBLE_CALLBACKS_ENABLED="results",
                       ESYNC_SSL_TEST_RESULTS=str(results))
    said = []

    def play(state, *options):
        """What the role did: changed, failed, and its words."""
        variables = machine.work / "variables.json"
        variables.write_text(json.dumps({
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "https_is_windows": True, "https_defaults": {},
            "https_program": folder + "\\esync-ssl.exe", "https_sites": [dict(site, state=state)],
        }))
        results.write_text("")
        words = ["ansible-playbook", "-i", "localhost,", Path(__file__).with_name("plays") / "windows.yml", "-e", f"@{variables}", "-vvv", *options]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        lines = [json.loads(line) for line in results.read_text().splitlines()]
        said.append(done.stdout + done.stderr + results.read_text())
        failed = [str(line["result"].get("msg")) for line in lines if line["failed"]]
        return any(line["changed"] for line in lines), failed, len(lines)

    machine.again()
    before = machine.files()
    claim(play("present", "--check")[:2] == (True, []) and machine.files() == before, "role for Windows: check mode would change, and writes nothing", said)
    runs = [play(state)[:2] for state in ("present", "present", "absent")]
    claim(runs == [(True, []), (False, []), (True, [])], "role for Windows: present, again, absent", (runs, said[-1][-2500:]))
    claim(machine.files() == before, "role for Windows: every byte is back")
    (machine.root / "conf/httpd.conf").write_bytes(before[machine.root / "conf/httpd.conf"] + b"<Directory />\r\n")
    broken = play("present")
    claim(not broken[0] and len(broken[1]) == 1 and "CONFIG-BROKEN" in broken[1][0], "role for Windows: fails with our finding", (broken, said[-1]))
    leaks = [line[:400] for words in said for line in words.splitlines() if PHRASE in line]
    claim(not leaks, "role for Windows: the pass-phrase is in no output and no result, also with -vvv", leaks)


def main():
    """One part."""
    part, program, work = sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    {"unix": unix, "windows": windows}[part](program, work)
    print(f"{fleet.failures} claims failed")
    sys.exit(1 if fleet.failures else 0)


if __name__ == "__main__":
    main()
