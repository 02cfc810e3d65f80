# Copyright (c) 2026 The esync-ssl authors
# MIT License (https://opensource.org/licenses/MIT)
"""What esync-ssl answered on hosts on which modules in Python do not run."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
name: answer
short_description: The document that esync-ssl printed
version_added: "0.1.0"
description:
  - What C(esync-ssl --json) printed, as a dictionary; an empty one where something else was printed, or nothing.
options:
  _input:
    description: What was printed.
    type: str
    required: true
author:
  - The esync-ssl authors (@esync-ssl)
"""

EXAMPLES = r"""
- name: What was found
  ansible.builtin.debug:
    msg: "{{ (told.stdout | esync.ssl.answer).findings | default([]) }}"
"""

RETURN = r"""
_value:
  description: The document.
  type: dict
"""

from ansible_collections.esync.ssl.plugins.module_utils.command_line import answered


class FilterModule:
    """What templates can use."""

    def filters(self):
        """By their names."""
        return {"answer": answered}
