#!/usr/bin/python
# Copyright (c) 2026 The esync-ssl authors
# MIT License (https://opensource.org/licenses/MIT)
"""esync.ssl.renew: certificates that take the place of those before."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: renew
short_description: Renew the certificates of an Apache httpd server
version_added: "0.1.0"
description:
  - Renews certificates that M(esync.ssl.https) ordered by ACME, or takes newer ones from a file or folder on the managed host, with
    C(esync-ssl renew).
  - The new certificate takes the place of the one before, in the same files; no line of the configuration changes. Apache is restarted
    once for all of them and must show each at every address. Otherwise the certificates before are back, and the task fails.
  - What fails for one certificate does not keep the others.
options:
  names:
    description: Names in the certificates that are meant. Without it, all certificates that were ordered or have a source.
    type: list
    elements: str
    default: []
    aliases: [name, domain]
  now:
    description:
      - Also those that are not due. Such a task changes something at each run, and authorities make only a few equal certificates a week.
    type: bool
    default: false
  from:
    description:
      - File or folder on the managed host from which the certificate of O(names) is taken from now on, by this task and by scheduled
        runs. A PFX archive, or certificate, key and chain (PEM, DER, p7b).
      - Nothing changes unless there is a certificate that is newer than the one that is served.
    type: path
  passphrase_file:
    description: With O(from), the file whose first line is the pass-phrase of what is put there. Only its owner may read it.
    type: path
  force:
    description: With O(from), V(OTHERS-WRITE) says that others may write there, and so replace the certificate.
    type: list
    elements: str
    choices: [OTHERS-WRITE]
    default: []
  forget:
    description: Do not renew the certificates of O(names) anymore. They stay as they are.
    type: bool
    default: false
  window:
    description: Restart Apache within this time of the day only, such as V(02:00-05:00), by the clock of the host.
    type: str
  hook:
    description: Program on the managed host that is told when something fails.
    type: path
  proxy:
    description:
      - HTTP proxy on the way to the authorities, as an address that may have a password. It is on no command line and in no output.
    type: str
  rehearse:
    description: Order each certificate where its authority has a place for trials, check it, and throw it away.
    type: bool
    default: false
extends_documentation_fragment:
  - esync.ssl.server
  - esync.ssl.server.lock
  - esync.ssl.server.attributes
seealso:
  - module: esync.ssl.https
  - module: esync.ssl.schedule
author:
  - The esync-ssl authors (@esync-ssl)
"""

EXAMPLES = r"""
- name: Renew what is due
  esync.ssl.renew:

- name: Have the certificate of the company's authority on the host
  ansible.builtin.copy:
    src: "{{ inventory_hostname }}.pfx"
    dest: /etc/esync-ssl/drop.pfx
    mode: "0600"
  diff: false

- name: Serve it as soon as it is newer than the one before
  esync.ssl.renew:
    names: [www.example.com]
    from: /etc/esync-ssl/drop.pfx
    passphrase_file: /etc/esync-ssl/drop.txt
"""

RETURN = r"""
certificates:
  description:
    - What became of each certificate, with C(name), C(names), C(result), C(file), C(not_after), C(next), C(error) and more. C(result) is
      one of V(renewed), V(would-renew), V(waits), V(kept), V(postponed), V(failed), V(forgotten), V(rehearsed), V(not-used).
  returned: when the program ran
  type: list
  elements: dict
result:
  description: What became of all in one word, such as V(written), V(unchanged) or V(would-change).
  returned: when the program ran
  type: str
  sample: unchanged
findings:
  description: What is wrong, each with C(code), C(level), C(summary), C(place), C(cause) and C(fix).
  returned: when the program ran
  type: list
  elements: dict
notes:
  description: What else there is to know, each with C(code) and C(message).
  returned: when the program ran
  type: list
  elements: dict
error:
  description: Why it failed, with C(code), C(message), C(fix) and C(place).
  returned: failure
  type: dict
server:
  description: What became of the running server.
  returned: when a certificate was renewed
  type: dict
restart_needed:
  description: The server has not read yet what was written.
  returned: when the program ran
  type: bool
root:
  description: The server root.
  returned: when a server was found
  type: str
config:
  description: Its main configuration file.
  returned: when a server was found
  type: str
version:
  description: Version of the program.
  returned: when the program ran
  type: str
rc:
  description: Exit status of the program, see its README.
  returned: when the program ran
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.esync.ssl.plugins.module_utils.program import Program, lock_spec, server_spec


def argument_spec():
    """All options. One of them is a word of Python."""
    return server_spec(
        names=dict(type="list", elements="str", default=[], aliases=["name", "domain"]),
        now=dict(type="bool", default=False),
        passphrase_file=dict(type="path", no_log=False),
        force=dict(type="list", elements="str", choices=["OTHERS-WRITE"], default=[]),
        forget=dict(type="bool", default=False),
        window=dict(type="str"),
        hook=dict(type="path"),
        proxy=dict(type="str", no_log=True),
        rehearse=dict(type="bool", default=False),
        lock_timeout=lock_spec(),
        **{"from": dict(type="path")}
    )


def outcome(certificate):
    """What became of a certificate, in one line."""
    error = certificate["error"]
    return "{0}: {1}, valid until {2}{3}\n".format(
        certificate["name"], certificate["result"], certificate["not_after"], ": " + error["message"] if error else ""
    )


def main():
    """Renews."""
    module = AnsibleModule(
        argument_spec=argument_spec(),
        mutually_exclusive=[("from", "forget"), ("from", "rehearse"), ("from", "now")],
        required_by={"passphrase_file": ("from",)},
        supports_check_mode=True,
    )
    for option in ("from", "forget"):
        if module.params[option] and not module.params["names"]:
            module.fail_json(msg="{0} needs names: it is for certificates that are named".format(option))
    program = Program(module)
    document = program.run("renew", module.check_mode)
    certificates = program.told(document)["certificates"]
    changed = [outcome(certificate) for certificate in certificates if certificate["result"] not in ("waits", "not-used")]
    program.finish(document, diff="".join(changed))


if __name__ == "__main__":
    main()
