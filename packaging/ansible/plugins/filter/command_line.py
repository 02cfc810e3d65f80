# Copyright (c) 2026 The esync-ssl authors
# MIT License (https://opensource.org/licenses/MIT)
"""The command lines of esync-ssl for hosts on which modules in Python do not run."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
name: command_line
short_description: The command line of esync-ssl for a host on which modules in Python do not run
version_added: "0.1.0"
description:
  - One line for Windows that does what M(esync.ssl.https) or M(esync.ssl.renew) do with the same options. It can be handed to
    C(ansible.windows.win_command) and to C(cmd /c) alike.
  - A pass-phrase is not in it. With C(passphrase) among the options, hand that to the standard input.
options:
  _input:
    description: The options, by the names that the module has for them.
    type: dict
    required: true
  program:
    description: The program, as Windows finds it.
    type: str
    required: true
  command:
    description: What it is to do.
    type: str
    choices: [enable, disable, renew, schedule on, schedule off, certificates, status, check]
    default: enable
  check_mode:
    description: Whether nothing may be written.
    type: bool
    default: false
author:
  - The esync-ssl authors (@esync-ssl)
"""

EXAMPLES = r"""
- name: HTTPS on a Windows host
  ansible.windows.win_command:
    cmd: "{{ {'domain': 'esync.example.com', 'pfx': 'C:\\eSync\\my.pfx', 'restart': true} | esync.ssl.command_line('esync-ssl.exe') }}"
"""

RETURN = r"""
_value:
  description: The line.
  type: str
"""

from ansible.errors import AnsibleFilterError

from ansible_collections.esync.ssl.plugins.module_utils.command_line import OPTIONS, arguments, quoted_for_windows


def command_line(options, program, command="enable", check_mode=False):
    """One line for Windows that does what the module does with these options."""
    if command not in OPTIONS:
        raise AnsibleFilterError("esync-ssl has no command {0!r} here; it has: {1}".format(command, ", ".join(sorted(OPTIONS))))
    try:
        return quoted_for_windows([program] + arguments(command, options, check_mode))
    except ValueError as error:
        raise AnsibleFilterError(str(error))


class FilterModule:
    """What templates can use."""

    def filters(self):
        """By their names."""
        return {"command_line": command_line}
