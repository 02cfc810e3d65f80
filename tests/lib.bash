# Sourced by the scripts that run tests: installing what is missing, counting what ran.
# It decides nothing about which tests run.

export PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

say() {
    printf '== %s\n' "$*"
}

# provide WHAT:PACKAGE...   WHAT is a command or the path of a file; installs the Debian packages of those missing.
provide() {
    local pair packages=()
    for pair; do
        there "${pair%%:*}" || packages+=("${pair#*:}")
    done
    ((${#packages[@]} == 0)) && return
    command -v apt-get >/dev/null || die "missing, and there is no apt-get to install it with: ${packages[*]}"
    local root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || die "missing, and only root can install it: ${packages[*]}"
        root=(sudo)
    fi
    local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    say "installing ${packages[*]}"
    # An unreachable third-party source is no reason to stop: the installation tells whether it was needed.
    if [[ -z ${ESYNC_SSL_TEST_APT_UPDATED:-} ]]; then
        "${apt[@]}" update </dev/null || say "apt-get update had errors; going on with the lists there are"
        export ESYNC_SSL_TEST_APT_UPDATED=yes
    fi
    "${apt[@]}" install -y --no-install-recommends "${packages[@]}" </dev/null || die "cannot install ${packages[*]}"
    for pair; do
        there "${pair%%:*}" || die "package ${pair#*:} is installed, but ${pair%%:*} is still missing"
    done
}

there() {
    if [[ $1 == /* ]]; then [[ -e $1 ]]; else command -v "$1" >/dev/null; fi
}

# logged FILE COMMAND...   Runs the command, showing its output and keeping it in the file, and in FILE.times with the moment
# of each line. The command writes to the file and not into a pipe: a process that it leaves behind cannot keep this
# script waiting.
logged() {
    local log=$1 status=0
    shift
    : >"$log"
    "$@" >"$log" 2>&1 </dev/null &
    local running=$!
    tail -n +1 --pid="$running" -f "$log" | stamped "$log.times" &
    local shown=$!
    wait "$running" || status=$?
    wait "$shown" || true
    return "$status"
}

# stamped FILE   Shows what comes, and notes each line in the file behind the second at which it came.
stamped() {
    local line
    while IFS= read -r line; do
        printf '%s\n' "$line"
        printf '%s %s\n' "${EPOCHREALTIME/,/.}" "$line" >&3
    done 3>"$1"
}

# counted LABEL FILE STATUS   Prints one line of counts from what cargo test wrote. False when a test failed, none
# ran, or, in CI, one was skipped. A test that skips itself counts as passed for cargo: see `skip` in tests/support.
counted() {
    local passed failed skipped
    read -r passed failed skipped < <(awk '
        /^test result: / { passed += $4; failed += $6; ignored += $8 }
        /^SKIPPED /      { passed--; ignored++ }
        END              { print passed + 0, failed + 0, ignored + 0 }' "$2")
    grep '^SKIPPED ' "$2" || true
    printf '%s: %s passed, %s failed, %s skipped\n' "$1" "$passed" "$failed" "$skipped"
    if ((skipped > 0)) && [[ ${CI:-} == true ]]; then
        printf '%s: in CI no test may be skipped\n' "$1" >&2
        return 1
    fi
    if ((passed + failed == 0)); then
        printf '%s: no test ran\n' "$1" >&2
        return 1
    fi
    (($3 == 0 && failed == 0)) || { printf '%s: FAILED (cargo test ended with %s)\n' "$1" "$3" >&2; return 1; }
}

# slowest FILE   What each binary of a run of cargo test took, the longest first, and about how much of that was for which of
# its modules. A test gets the time since the one before it was done; libtest tells no times of its own.
slowest() {
    awk '
        $2 == "Running" { binary = $3 == "unittests" ? $4 : $3; sub(/\/main\.rs$/, "", binary); before = $1 }
        / \.\.\. (ok|FAILED)$/ {
            module = $3 ~ /::/ ? $3 : "-"
            sub(/::.*/, "", module)
            took[module] += $1 - before
            before = $1
        }
        $2 $3 == "testresult:" {
            sub(/s$/, "", $NF)
            line = sprintf("%8.1f s  %-20s", $NF, binary)
            for (shown = 0; shown < 6; shown++) {
                most = ""
                for (module in took) if (most == "" || took[module] > took[most]) most = module
                if (most == "" || took[most] < 1) break
                line = line sprintf(" %s %.0f", most, took[most])
                delete took[most]
            }
            split("", took)
            if ($NF >= 1) print line
        }' "$1.times" | sort -rn
}
