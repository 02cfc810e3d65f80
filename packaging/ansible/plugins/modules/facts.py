#!/usr/bin/python
# Copyright (c) 2026 The esync-ssl authors
# MIT License (https://opensource.org/licenses/MIT)
"""esync.ssl.facts: what an Apache serves, and by which certificates."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: facts
short_description: Gather what an Apache httpd server serves over TLS, and until when
version_added: "0.1.0"
description:
  - Reads certificates, virtual hosts, listeners and findings of an Apache httpd server, by C(esync-ssl certificates), C(status) and
    C(check). Nothing is changed.
options:
  gather:
    description:
      - What is gathered. V(check) also starts a short rehearsal of the server's own httpd on a loopback port.
    type: list
    elements: str
    choices: [certificates, status, check]
    default: [certificates, status]
  rehearsal:
    description: With V(check), have the TLS settings tried on a short run of the server's own httpd.
    type: bool
    default: true
extends_documentation_fragment:
  - esync.ssl.server
  - esync.ssl.server.attributes
attributes:
  diff_mode:
    support: none
  facts:
    support: full
    description: The module returns an C(ansible_facts) dictionary.
seealso:
  - module: esync.ssl.https
author:
  - The esync-ssl authors (@esync-ssl)
"""

EXAMPLES = r"""
- name: What is served, and until when
  esync.ssl.facts:

- name: Certificates that end within thirty days
  ansible.builtin.debug:
    msg: "{{ item.names | join(', ') }} ends {{ item.not_after }}, renewed by {{ item.renewer.by }}"
  loop: "{{ ansible_facts.esync_ssl.certificates }}"
  when: item.rest_seconds | default(0, true) < 30 * 86400
"""

RETURN = r"""
ansible_facts:
  description: What was gathered.
  returned: success
  type: dict
  contains:
    esync_ssl:
      description: All of it.
      returned: success
      type: dict
      contains:
        version:
          description: Version of the program.
          returned: always
          type: str
        root:
          description: The server root.
          returned: always
          type: str
        config:
          description: Its main configuration file.
          returned: always
          type: str
        certificates:
          description:
            - Certificates that are used or were ordered, each with C(names), C(issuer), C(not_after), C(rest_seconds), C(served),
              C(renewer), C(urgency) and more. The one that ends first is first.
          returned: when V(certificates) is gathered
          type: list
          elements: dict
        schedule:
          description: What renews them, or nothing.
          returned: when V(certificates) is gathered
          type: dict
        listeners:
          description: Where Apache listens, each with C(endpoint), C(port) and C(protocol).
          returned: when V(status) is gathered
          type: list
          elements: dict
        virtual_hosts:
          description: Virtual hosts, each with C(addresses), C(server_name), C(aliases), C(tls) and C(certificate).
          returned: when V(status) is gathered
          type: list
          elements: dict
        main_server:
          description: What answers outside of virtual hosts.
          returned: when V(status) is gathered
          type: dict
        apache_version:
          description: Version of Apache, or nothing where it is not known.
          returned: when V(status) is gathered
          type: str
        findings:
          description: What is wrong, each with C(code), C(level), C(summary), C(place), C(cause) and C(fix).
          returned: always
          type: list
          elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.esync.ssl.plugins.module_utils.program import Program, distinct, server_spec

# The program ends so where it has looked and found errors.
ERRORS_FOUND = 12
FIELDS = {
    "certificates": ("certificates", "schedule"),
    "status": ("listeners", "virtual_hosts", "main_server", "modules", "apache_version"),
    "check": (),
}


def main():
    """Looks."""
    module = AnsibleModule(
        argument_spec=server_spec(
            gather=dict(type="list", elements="str", choices=["certificates", "status", "check"], default=["certificates", "status"]),
            rehearsal=dict(type="bool", default=True),
        ),
        supports_check_mode=True,
    )
    program = Program(module)
    facts = dict(findings=[])
    for command in module.params["gather"]:
        document = program.run(command, good=(0, ERRORS_FOUND))
        data = document["data"] or {}
        facts.update(version=document["version"], root=document["root"], config=document["config"])
        facts.update((field, data.get(field)) for field in FIELDS[command])
        facts["findings"] = distinct(facts["findings"] + document["findings"])
    module.exit_json(changed=False, ansible_facts=dict(esync_ssl=facts))


if __name__ == "__main__":
    main()
