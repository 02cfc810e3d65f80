# Copyright (c) 2026 The esync-ssl authors
# MIT License (https://opensource.org/licenses/MIT)
"""Runs esync-ssl on the managed host, and tells Ansible what it answered."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.esync.ssl.plugins.module_utils.command_line import answered, arguments

SCHEMA = 1
# What each document has, and is read here.
FIELDS = (
    "command", "version", "status", "result", "changed", "restart_needed", "root", "config", "error", "findings", "notes", "data",
)
PLACES = ["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin"]


def server_spec(**more):
    """The options of all modules, and those of one."""
    spec = dict(
        executable=dict(type="path"),
        root=dict(type="path"),
        config=dict(type="path"),
        httpd=dict(type="path"),
        define=dict(type="list", elements="str", default=[]),
        apache_version=dict(type="str"),
    )
    spec.update(more)
    return spec


def lock_spec():
    """How long another run is waited for."""
    return dict(type="int", default=60)


class Program:
    """esync-ssl, as a module asks it."""

    def __init__(self, module):
        self.module = module
        self.path = module.params["executable"] or module.get_bin_path("esync-ssl", opt_dirs=PLACES)
        if not self.path:
            module.fail_json(
                msg="esync-ssl is not installed on this host: it is neither on PATH nor in {0}. Install it, or name it with "
                    "executable. Nothing was changed.".format(", ".join(PLACES))
            )
        if not (os.path.isfile(self.path) and os.access(self.path, os.X_OK)):
            module.fail_json(msg="{0} is not a program on this host, or may not be run. Nothing was changed.".format(self.path))
        for name in list(os.environ):
            if name.startswith("ESYNC_SSL_") and name != "ESYNC_SSL_ROOT":
                del os.environ[name]
        # It must not take what Ansible is connected by for somebody who can be asked.
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)

    def run(self, command, check_mode=False, good=(0,)):
        """The document that the command answers. Any status but the good ones ends the task with what is wrong and what helps."""
        params = self.module.params
        try:
            words = [self.path] + arguments(command, params, check_mode)
        except ValueError as error:
            self.module.fail_json(msg="{0}. Nothing was changed.".format(to_native(error)))
        # A proxy may have a password, which a command line shows to everybody on the host.
        private = {"ESYNC_SSL_PROXY": params["proxy"]} if params.get("proxy") else {}
        phrase = params.get("passphrase") if "--passphrase-file=-" in words else None
        # Whatever another program prints can be told; Ansible hands on no bytes that are no text.
        status, out, err = self.module.run_command(
            words, data=phrase, environ_update=dict(private, LC_ALL="C.UTF-8"), errors="replace"
        )
        document = answered(out)
        if not document:
            self.module.fail_json(
                msg="{0} ended with status {1} and did not answer as esync-ssl does: {2}".format(
                    self.path, status, to_native((err or out).strip()[-2000:]) or "it printed nothing"
                ),
                rc=status,
            )
        missing = [field for field in FIELDS if field not in document] if document["schema"] == SCHEMA else []
        if document["schema"] != SCHEMA or missing:
            self.module.fail_json(
                msg="esync-ssl {0} on this host answers in form {1}{2}, and this collection reads form {3}: have both of the same "
                    "version".format(
                        document.get("version"), document["schema"], " without " + ", ".join(missing) if missing else "", SCHEMA
                    ),
                rc=status,
            )
        if document["status"] not in good:
            self.fail(document)
        return document

    def fail(self, document):
        """Ends the task with what the program found."""
        self.module.fail_json(msg=message(document), **self.told(document))

    def finish(self, document, diff=None, **more):
        """Ends the task with what was done, and warns of what works but is wrong."""
        for finding in distinct(document["findings"]):
            if finding["level"] != "note":
                self.module.warn(described(finding))
        result = self.told(document, **more)
        if self.module._diff:
            result["diff"] = {"prepared": difference(document) if diff is None else diff}
        self.module.exit_json(**result)

    @staticmethod
    def told(document, **more):
        """What is handed on of a document."""
        data = document["data"] or {}
        # A run that failed for one certificate may have renewed others.
        told = dict(
            changed=document["changed"],
            rc=document["status"],
            result=document["result"],
            restart_needed=document["restart_needed"],
            root=document["root"],
            config=document["config"],
            findings=distinct(document["findings"]),
            notes=document["notes"],
            version=document["version"],
        )
        if document["error"]:
            told["error"] = document["error"]
        for field in ("files", "backup", "undo", "next", "would"):
            if data.get(field) is not None:
                told[field] = data[field]
        if data.get("server") and document["command"] in ("enable", "disable", "renew"):
            told["server"] = dict((name, value) for name, value in data["server"].items() if name != "probe")
        if document["command"] == "renew":
            told["certificates"] = data.get("certificates", [])
        told.update(more)
        return told


def distinct(findings):
    """Each finding once: what is wrong with a file is found again where the server shows it."""
    seen, kept = set(), []
    for finding in findings:
        key = (finding["code"], finding["summary"], finding["cause"])
        if key not in seen:
            seen.add(key)
            kept.append(finding)
    return kept


def described(finding):
    """A finding in one line."""
    return "{0}: {1}{2}. {3}".format(finding["code"], finding["summary"], where(finding["place"]), finding["fix"]).rstrip(". ") + "."


def where(place):
    """A place in words, in parentheses."""
    if not place:
        return ""
    line = place.get("line")
    return " ({0}:{1})".format(place["file"], line) if line else " ({0})".format(place["file"])


def message(document):
    """Why a run did not do what was asked, and what helps."""
    error = document["error"] or {"code": document["result"].upper(), "message": "errors were found", "fix": None}
    lines = ["{0}: {1}".format(error["code"], error["message"])]
    findings = [finding for finding in distinct(document["findings"]) if finding["level"] == "error"]
    unsaid = [described(finding) for finding in findings if finding["summary"] not in error["message"]]
    # Each finding has what helps against it.
    if error["fix"] and not unsaid:
        lines.append("What helps: {0}".format(error["fix"].strip("\n")))
    return "\n".join(lines + unsaid)


def difference(document):
    """What is different afterwards, as one text: lines of the configuration, files that come and go, or the server alone."""
    data = document["data"] or {}
    changed = [part["file"] for part in data.get("diffs") or []]
    others = [
        "{0} {1}{2}\n".format(file["action"], file["path"], " ({0})".format(file["reason"]) if file["reason"] else "")
        for file in data.get("files") or []
        if file["path"] not in changed
    ]
    # The server alone is different where its files were right and it had not read them.
    done = {"restarted": "restart", "started": "start"}.get((data.get("server") or {}).get("result"))
    told = data.get("would") or done
    if told and not data.get("files"):
        others.append("{0} Apache\n".format(told))
    return (data.get("diff") or "") + "".join(others)
