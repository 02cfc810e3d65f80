# Copyright (c) 2026 The esync-ssl authors
# MIT License (https://opensource.org/licenses/MIT)
"""From the options of a task to the words of a command line of esync-ssl, and from what it prints to its document. Pure: the
modules use it on the managed host, and the role for Windows on the controller."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

SERVER = ("root", "config", "httpd", "define", "apache_version")
WRITING = ("restart", "start", "test", "rehearsal", "lock_timeout", "force")

# The options of each command, in the order in which they stand on its command line.
OPTIONS = {
    "enable": SERVER + (
        "domain", "alias", "vhost", "http", "port",
        "cert", "key", "chain", "pfx", "self_signed", "copy_certs", "in_place", "passphrase_file",
        "acme", "ca", "agree_terms", "email", "ca_root", "ca_profile", "eab_kid", "eab_key_file", "answer", "dns_hook", "dns_wait",
        "schedule", "adopt",
        "profile", "hsts", "ocsp_stapling", "http2", "strict",
    ) + WRITING,
    "disable": SERVER + ("domain",) + WRITING,
    "renew": SERVER + ("now", "from", "passphrase_file", "force", "forget", "window", "hook", "rehearse", "lock_timeout"),
    "schedule on": SERVER + ("window", "hook"),
    "schedule off": SERVER,
    "certificates": SERVER,
    "status": SERVER,
    "check": SERVER + ("rehearsal",),
}

# Options that are on unless somebody says otherwise, as flags that take them away.
TAKEN_AWAY = ("test", "rehearsal")

FLAGS = TAKEN_AWAY + (
    "self_signed", "copy_certs", "in_place", "acme", "agree_terms", "schedule", "adopt", "ocsp_stapling", "http2", "strict",
    "restart", "start", "now", "forget", "rehearse",
)

# What commands of each kind get when nothing may be written, and when nobody can be asked.
ASKS = ("enable", "disable", "schedule on", "schedule off")
WRITES = ASKS + ("renew",)


def arguments(command, options, check_mode=False):
    """The words behind the name of the program. An option that is not given, or does not belong to this command, gives none. A
    ValueError says which one cannot be meant."""
    _refuse_empty(command, options)
    words = command.split(" ")
    for option in OPTIONS[command]:
        flag = "--" + option.replace("_", "-")
        value = _meant(option, options.get(option))
        if option in TAKEN_AWAY:
            if value is False:
                words.append("--no-" + option)
        elif value is True:
            words.append(flag)
        elif isinstance(value, (list, tuple)):
            words.extend("{0}={1}".format(flag, item) for item in value)
        elif value is not None and value is not False:
            words.append("{0}={1}".format(flag, value))
    if options.get("passphrase") and command == "enable":
        words.append("--passphrase-file=-")
    if command in WRITES and check_mode:
        # A trial asks the authority, which check mode may not do.
        words = [word for word in words if word != "--rehearse"] + ["--dry-run"]
    elif command in ASKS:
        words.append("--yes")
    words.append("--json")
    # A name that begins with a dash is still a name.
    names = options.get("names") if command == "renew" else None
    return words + (["--"] + list(names) if names else [])


def answered(printed):
    """The document that the program printed, or nothing where it is none of it."""
    try:
        document = json.loads(printed)
    # Nested too deeply is a RuntimeError.
    except (ValueError, TypeError, RuntimeError):
        return {}
    return document if isinstance(document, dict) and "schema" in document else {}


def _refuse_empty(command, options):
    """An empty text, out of a variable that has no value, is no option that was left out: without a domain disable is for all."""
    for option in OPTIONS[command] + ("names", "passphrase", "proxy"):
        value = options.get(option)
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if hasattr(item, "strip") and not item.strip():
                raise ValueError("{0} is empty; leave it out where nothing is meant".format(option))


def _meant(option, value):
    """The value that is meant, as YAML and Ansible also know other words for yes and no."""
    if option == "http" and value is False:
        return "off"
    if option in FLAGS and str(value).lower() in ("yes", "true", "on", "y", "t", "1"):
        return True
    if option in FLAGS and str(value).lower() in ("no", "false", "off", "n", "f", "0"):
        return False
    return value


def quoted_for_windows(words):
    """One line for cmd.exe and for CreateProcess, which both take it apart into these words."""
    return " ".join(_quoted(str(word)) for word in words)


def _quoted(word):
    for wrong in '"\r\n':
        if wrong in word:
            raise ValueError("a quotation mark or a line end cannot be part of a command line of Windows: {0!r}".format(word))
    if word and not any(letter in word for letter in " \t&|<>()^,;=!'%*?"):
        return word
    # A backslash before the last quotation mark would make it part of the word.
    kept = word.rstrip("\\")
    return '"' + kept + "\\" * (2 * (len(word) - len(kept))) + '"'
