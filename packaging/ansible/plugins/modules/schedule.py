#!/usr/bin/python
# Copyright (c) 2026 The esync-ssl authors
# MIT License (https://opensource.org/licenses/MIT)
"""esync.ssl.schedule: renewals twice a day, by the scheduler of the host."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: schedule
short_description: Have the certificates of an Apache httpd server renewed twice a day
version_added: "0.1.0"
description:
  - Has systemd or cron of the managed host carry out C(esync-ssl renew --scheduled) twice a day, with C(esync-ssl schedule on).
  - It is run once at once, as the scheduler runs it. Where that run fails, so does the task.
options:
  state:
    description: Whether it is scheduled.
    type: str
    choices: [present, absent]
    default: present
  window:
    description: Restart Apache within this time of the day only, such as V(02:00-05:00), by the clock of the host.
    type: str
  hook:
    description: Program on the managed host that is told when something fails.
    type: path
extends_documentation_fragment:
  - esync.ssl.server
  - esync.ssl.server.attributes
seealso:
  - module: esync.ssl.renew
author:
  - The esync-ssl authors (@esync-ssl)
"""

EXAMPLES = r"""
- name: Renew twice a day, and restart Apache at night only
  esync.ssl.schedule:
    window: "02:00-05:00"
"""

RETURN = r"""
schedule:
  description: What is scheduled, with C(scheduler), C(state), C(files), C(command), C(next_run) and C(last_run).
  returned: success
  type: dict
result:
  description: What became of it in one word, such as V(written), V(unchanged) or V(would-change).
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
root:
  description: The server root.
  returned: when a server was found
  type: str
config:
  description: Its main configuration file.
  returned: when a server was found
  type: str
restart_needed:
  description: The server has not read yet what was written.
  returned: when the program ran
  type: bool
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

from ansible_collections.esync.ssl.plugins.module_utils.program import Program, server_spec


def main():
    """Schedules, or ends that."""
    module = AnsibleModule(
        argument_spec=server_spec(
            state=dict(type="str", choices=["present", "absent"], default="present"),
            window=dict(type="str"),
            hook=dict(type="path"),
        ),
        supports_check_mode=True,
    )
    command = "schedule on" if module.params["state"] == "present" else "schedule off"
    program = Program(module)
    document = program.run(command, module.check_mode)
    schedule = document["data"] or {}
    diff = "".join("{0}\n".format(file) for file in schedule.get("files", [])) if document["changed"] else ""
    program.finish(document, diff=diff, schedule=schedule)


if __name__ == "__main__":
    main()
