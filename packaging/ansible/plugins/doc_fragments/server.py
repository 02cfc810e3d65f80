# Copyright (c) 2026 The esync-ssl authors
# MIT License (https://opensource.org/licenses/MIT)
"""What all modules of this collection say in their documentation."""


class ModuleDocFragment:
    """Which server is meant, and what holds for every module."""

    DOCUMENTATION = r"""
options:
  executable:
    description:
      - The program C(esync-ssl) on the managed host.
      - Without it, the one on C(PATH) or in C(/usr/local/bin), C(/usr/bin), C(/usr/local/sbin) or C(/usr/sbin).
    type: path
  root:
    description:
      - The server root, such as C(/etc/apache2) or C(/usr/local/apache2).
      - Without it, E(ESYNC_SSL_ROOT), else the server that runs, else the usual places. Where there are several, the task fails and lists
        them.
    type: path
  config:
    description: The main configuration file. Without it, C(conf/httpd.conf) or C(apache2.conf) below the server root.
    type: path
  httpd:
    description:
      - The httpd program of this server, which is asked for its version and modules, tests the result, and restarts.
      - Without it, the one that belongs to the server root.
    type: path
  define:
    description: Flags that the server is started with (C(httpd -D NAME)).
    type: list
    elements: str
    default: []
  apache_version:
    description: Version of the server, such as V(2.4.62), where there is no program to ask.
    type: str
requirements:
  - C(esync-ssl) on the managed host, of the same version as this collection or later
  - the rights to write the configuration of the server and to restart it, mostly root
notes:
  - Variables that begin with E(ESYNC_SSL_) are taken out of the environment of the program, all but E(ESYNC_SSL_ROOT), so that a task
    means the same on every host.
  - On Windows hosts modules in Python do not run. The role P(esync.ssl.https#role) does the same there by
    M(ansible.windows.win_command).
"""

    LOCK = r"""
options:
  lock_timeout:
    description: Seconds to wait for another run of C(esync-ssl) on the same server root, such as a scheduled renewal.
    type: int
    default: 60
"""

    ATTRIBUTES = r"""
attributes:
  check_mode:
    support: full
    description: Says what would be done without doing it. Nothing is written, and no authority is asked.
  diff_mode:
    support: full
    description: Shows what is different afterwards. Private keys and pass-phrases are never shown.
  platform:
    support: full
    platforms: posix
    description: Where it runs.
"""
