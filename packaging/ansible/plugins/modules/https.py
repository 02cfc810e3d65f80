#!/usr/bin/python
# Copyright (c) 2026 The esync-ssl authors
# MIT License (https://opensource.org/licenses/MIT)
"""esync.ssl.https: HTTPS of one site of an Apache, on or off."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: https
short_description: Turn HTTPS on or off for a site of an Apache httpd server
version_added: "0.1.0"
description:
  - Takes an Apache httpd server from HTTP to working HTTPS by editing the configuration that is there, with C(esync-ssl enable), and
    back by C(esync-ssl disable).
  - The configuration is read as Apache reads it. What is there already is used - a C(Listen), a module, a virtual host - and lines that
    need no change stay the same bytes. Nothing is removed that somebody else wrote.
  - Certificate and key are judged before anything is written. What keeps Apache from starting, or clients from connecting, fails the
    task with cause and fix, and leaves the server as it is.
options:
  state:
    description:
      - V(present) turns HTTPS on for O(domain).
      - V(absent) takes out what an earlier V(present) put in, and puts back what it moved. Certificates and keys are never deleted.
    type: str
    choices: [present, absent]
    default: present
  domain:
    description:
      - Domain name or IP address that clients use.
      - Required for O(state=present), with one of O(cert), O(pfx), O(acme) and O(self_signed). Without it, O(state=absent) is for all domains that C(esync-ssl) turned HTTPS on for.
    type: str
  alias:
    description: Further names of the same site.
    type: list
    elements: str
    default: []
    aliases: [aliases]
  vhost:
    description:
      - The virtual host for HTTP whose site is wanted over HTTPS, as C(FILE:LINE), where it cannot be told by the name.
    type: str
  http:
    description:
      - What becomes of HTTP. V(off) moves its port to HTTPS, V(keep) has both side by side, V(redirect) sends the visitors of the domain
        to HTTPS.
      - Without it, V(off), and the task fails where other virtual hosts would lose their listener by it.
    type: str
    choices: ["off", keep, redirect]
  port:
    description: Port of HTTPS. Without it, 443.
    type: int
  cert:
    description: Certificate file on the managed host (PEM; with O(copy_certs) also DER).
    type: path
    aliases: [certificate]
  key:
    description:
      - Private key file on the managed host.
      - Without it, the file of the certificate, or C(NAME.key) beside C(NAME.crt), if it holds the key that belongs to it.
    type: path
  chain:
    description: File with the intermediate certificates on the managed host.
    type: path
  pfx:
    description: PFX archive on the managed host with all three, which is put into C(conf/ssl) as PEM.
    type: path
  self_signed:
    description: Make key and certificate in C(conf/ssl), to try things out. They are made once.
    type: bool
    default: false
  copy_certs:
    description:
      - Copy certificate, key and chain into C(conf/ssl), closed to others, and use the copies.
      - Files are never overwritten. Another certificate in O(cert) gets names of its own, so that a rotation is a change with diff and
        undo like any other.
    type: bool
    default: false
  in_place:
    description: Use certificate and key where they are. This is what happens without O(copy_certs) too, with a note where that is unusual.
    type: bool
    default: false
  passphrase_file:
    description: File on the managed host whose first line is the pass-phrase of O(pfx), or of O(key) with O(copy_certs).
    type: path
  passphrase:
    description:
      - The pass-phrase itself, such as out of a vault. It goes to the program by its standard input, and is on no command line, in no
        file and in no output.
    type: str
  acme:
    description:
      - Have a certificate authority make the certificate by ACME.
      - A certificate that was ordered is ordered again only when it is due. Check mode asks nobody.
    type: bool
    default: false
  ca:
    description: V(letsencrypt), or the address of an ACME directory. Without it, V(letsencrypt).
    type: str
  agree_terms:
    description: Agree to the terms of the authority, which O(acme) needs.
    type: bool
    default: false
  email:
    description: Addresses that the authority may write to.
    type: list
    elements: str
    default: []
  ca_root:
    description: File on the managed host with root certificates (PEM) that are trusted as well when the authority is asked.
    type: path
  ca_profile:
    description: Kind of certificate, by the authority's own word.
    type: str
  eab_kid:
    description: Identifier of the account that the authority knows you by (external account binding).
    type: str
  eab_key_file:
    description: File on the managed host with the key that belongs to O(eab_kid), as the authority gave it.
    type: path
  proxy:
    description:
      - HTTP proxy on the way to the authority, as an address that may have a password. It is on no command line and in no output.
    type: str
  answer:
    description: Who answers when the authority looks whether the names lead here.
    type: str
    choices: [auto, listener, apache, dns-hook, handover, mod_md]
  dns_hook:
    description: Program on the managed host that makes records in DNS, by which names are proven.
    type: path
  dns_wait:
    description: Seconds until all name servers of the zone must show the record.
    type: int
  schedule:
    description: With O(acme), have what is due renewed twice a day as well. See M(esync.ssl.schedule).
    type: bool
    default: false
  adopt:
    description: With O(acme), take the certificate over that certbot, acme.sh, lego or win-acme renews.
    type: bool
    default: false
  profile:
    description: Protocols and ciphers, by Mozilla's names. Without it, V(intermediate) in a new virtual host.
    type: str
    choices: [modern, intermediate, old]
  hsts:
    description: Tell browsers to use HTTPS only, for so many seconds.
    type: int
  ocsp_stapling:
    description: Let the server send proofs that the certificate is not revoked.
    type: bool
    default: false
  http2:
    description: Speak HTTP/2 with clients that can.
    type: bool
    default: false
  restart:
    description:
      - Restart Apache if it runs, gracefully where that is enough, and prove that it works. It must show the certificate to a client that
        asks for the name, answer over HTTPS what it answered over HTTP, and stay well. Otherwise files and server go back to what they
        were, and the task fails.
      - A handler that restarts the service cannot do that. It runs when the task is over, on a server that then may not come up.
      - A server that shows everything already is left alone.
    type: bool
    default: false
  start:
    description: Like O(restart), and start Apache if it is stopped.
    type: bool
    default: false
  test:
    description: Ask Apache (C(httpd -t)) whether it accepts the result.
    type: bool
    default: true
  rehearsal:
    description: Try the TLS settings on a short run of the server's own httpd first.
    type: bool
    default: true
  strict:
    description: With O(restart), put everything back too where HTTPS only answers otherwise than HTTP did.
    type: bool
    default: false
  force:
    description:
      - Codes of findings that are accepted, such as V(CERT-EXPIRED). A failure names the codes that keep it from being done; nothing is
        forced that is not named here.
      - With O(state=absent), V(DISABLE-NOT-OURS) and V(DISABLE-CHANGED-FOR-OTHER).
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - esync.ssl.server
  - esync.ssl.server.lock
  - esync.ssl.server.attributes
seealso:
  - module: esync.ssl.renew
  - module: esync.ssl.facts
author:
  - The esync-ssl authors (@esync-ssl)
"""

EXAMPLES = r"""
- name: HTTPS with the certificate that lies on the host, beside HTTP
  esync.ssl.https:
    domain: www.example.com
    cert: /etc/pki/www.example.com.crt
    key: /etc/pki/www.example.com.key
    copy_certs: true
    http: keep
    restart: true

- name: HTTPS with a PFX archive, whose pass-phrase is in a vault
  esync.ssl.https:
    domain: esync.example.com
    pfx: /root/esync.pfx
    passphrase: "{{ vault_esync_pfx }}"
    restart: true

- name: HTTPS with a certificate that Let's Encrypt makes and this host renews
  esync.ssl.https:
    domain: www.example.com
    alias: [example.com]
    acme: true
    agree_terms: true
    email: [webmaster@example.com]
    http: redirect
    schedule: true
    restart: true

- name: Back to HTTP
  esync.ssl.https:
    domain: www.example.com
    state: absent
    restart: true
"""

RETURN = r"""
result:
  description: What became of it in one word, such as V(written), V(unchanged), V(would-change) or V(refused).
  returned: when the program ran
  type: str
  sample: written
restart_needed:
  description: The server has not read yet what was written.
  returned: when the program ran
  type: bool
findings:
  description:
    - What is wrong with files, configuration or server. Each has C(code), C(level), C(summary), C(place), C(cause) and C(fix).
  returned: when the program ran
  type: list
  elements: dict
  sample:
    - code: CHAIN-MISSING
      level: warning
      summary: no intermediate certificate is sent
notes:
  description: What else there is to know, each with C(code) and C(message).
  returned: when the program ran
  type: list
  elements: dict
error:
  description: Why it failed, with C(code), C(message), C(fix), C(place) and C(places).
  returned: failure
  type: dict
files:
  description: Files with what happened to them, each with C(path), C(action) and C(reason).
  returned: success
  type: list
  elements: dict
backup:
  description: The folder on the host that holds what was there before.
  returned: when a file was changed
  type: str
undo:
  description: The command that brings back what was there before.
  returned: when a file was changed
  type: str
next:
  description: The command that shows what became of it.
  returned: when a file was changed
  type: str
server:
  description: What became of the running server. C(result) is one of V(not-asked), V(left-stopped), V(shows-it), V(restarted), V(started).
  returned: when files were changed or O(restart) was asked for, not in check mode
  type: dict
would:
  description: What would be done to the server, V(restart) or V(start), where its files are right already.
  returned: in check mode, where something would be done and no file changed
  type: str
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
    """All options."""
    words = dict(type="list", elements="str", default=[])
    return server_spec(
        state=dict(type="str", choices=["present", "absent"], default="present"),
        domain=dict(type="str"),
        alias=dict(words, aliases=["aliases"]),
        vhost=dict(type="str"),
        http=dict(type="str", choices=["off", "keep", "redirect"]),
        port=dict(type="int"),
        cert=dict(type="path", aliases=["certificate"]),
        key=dict(type="path", no_log=False),
        chain=dict(type="path"),
        pfx=dict(type="path"),
        self_signed=dict(type="bool", default=False),
        copy_certs=dict(type="bool", default=False),
        in_place=dict(type="bool", default=False),
        passphrase_file=dict(type="path", no_log=False),
        passphrase=dict(type="str", no_log=True),
        acme=dict(type="bool", default=False),
        ca=dict(type="str"),
        agree_terms=dict(type="bool", default=False),
        email=dict(words),
        ca_root=dict(type="path"),
        ca_profile=dict(type="str"),
        eab_kid=dict(type="str"),
        eab_key_file=dict(type="path", no_log=False),
        proxy=dict(type="str", no_log=True),
        answer=dict(type="str", choices=["auto", "listener", "apache", "dns-hook", "handover", "mod_md"]),
        dns_hook=dict(type="path"),
        dns_wait=dict(type="int"),
        schedule=dict(type="bool", default=False),
        adopt=dict(type="bool", default=False),
        profile=dict(type="str", choices=["modern", "intermediate", "old"]),
        hsts=dict(type="int"),
        ocsp_stapling=dict(type="bool", default=False),
        http2=dict(type="bool", default=False),
        restart=dict(type="bool", default=False),
        start=dict(type="bool", default=False),
        test=dict(type="bool", default=True),
        rehearsal=dict(type="bool", default=True),
        strict=dict(type="bool", default=False),
        force=dict(words),
        lock_timeout=lock_spec(),
    )


def main():
    """Turns it on or off."""
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[("state", "present", ("domain",))],
        mutually_exclusive=[("cert", "pfx"), ("passphrase", "passphrase_file")],
        supports_check_mode=True,
    )
    command = "enable" if module.params["state"] == "present" else "disable"
    if command == "enable" and not any(module.params[source] for source in ("cert", "pfx", "acme", "self_signed")):
        module.fail_json(
            msg="the certificate of {0} is not named: give cert and key, pfx, acme or self_signed".format(module.params["domain"])
        )
    program = Program(module)
    program.finish(program.run(command, module.check_mode))


if __name__ == "__main__":
    main()
