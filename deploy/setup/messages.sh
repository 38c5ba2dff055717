# How set-up speaks: one line a step with the time it took, one message when it cannot go on.
# Read by deploy/bootstrap.
# shellcheck shell=sh

say() {
    printf 'setup: %s\n' "$*" >&2
}

# fail MESSAGE...: says each argument on a line of its own, then ends set-up.
fail() {
    printf 'setup: cannot go on: %s\n' "$1" >&2
    shift
    for line in "$@"; do
        printf '       %s\n' "$line" >&2
    done
    exit 1
}

# step TITLE LOG COMMAND...: runs COMMAND with its output in LOG; returns its status.
step() {
    step_title=$1
    step_log=$2
    shift 2
    step_began=$(date +%s)
    printf 'setup: %s ... ' "$step_title" >&2
    step_status=0
    "$@" >"$step_log" 2>&1 </dev/null || step_status=$?
    if [ "$step_status" -eq 0 ]; then
        printf 'done (%s s)\n' "$(($(date +%s) - step_began))" >&2
    else
        printf 'failed\n' >&2
    fi
    return "$step_status"
}

# network_is_to_blame LOG: whether the log speaks of a network that is not there.
network_is_to_blame() {
    grep -qiE 'temporary failure|could not resolve|name or service not known|unable to connect|failed to establish|network is unreachable|connection (timed out|refused)|newconnectionerror|connecttimeout|read timed out|enotfound|eai_again|etimedout|econnrefused' "$1"
}

# fail_from_log WHAT LOG: the last lines of the log, and the network named if it is to blame.
fail_from_log() {
    tail -n 15 "$2" | sed 's/^/       | /' >&2
    if network_is_to_blame "$2"; then
        fail "$1: the package registry cannot be reached" \
            "set-up needs a network (or a mirror, set as usual for apt, pip and npm) the first time" \
            "the whole log: $2"
    fi
    fail "$1" "the whole log: $2"
}

# Two `make` at once set up one after the other. The lock goes with the process.
one_at_a_time() {
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$logs/lock"
        if ! flock -n 9; then
            say "another set-up is running here; waiting for it"
            flock 9
        fi
    fi
}
