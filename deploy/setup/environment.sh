# The virtual environment: made from the pinned, hashed lists of deploy/locks.
# Read by deploy/bootstrap.
# shellcheck shell=sh

# What the environment is made from, as one hash: the lists, the project's own dependencies and
# commands, the interpreter, and where the tree stands (an environment cannot be moved).
environment_key() {
    {
        cat deploy/locks/build.txt deploy/locks/development.txt pyproject.toml deploy/setup/environment.sh
        printf '%s\n' "$root"
        command -v "$python" || true
    } | sha256sum | cut -c 1-64
}

environment_is_ready() {
    [ -x "$venv/bin/python" ] && [ -r "$ready" ] && [ "$(cat "$ready")" = "$1" ]
}

make_environment() {
    command -v "$python" >/dev/null 2>&1 ||
        fail "there is no \`$python\`; install python3 (3.11 or newer), or name one with PYTHON="
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "\`$python\` is $("$python" --version 2>&1); 3.11 or newer is needed (name one with PYTHON=)"
    rm -f "$ready"
    if ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1; then
        rm -rf "$venv"
        step "virtual environment" "$logs/venv.log" "$python" -m venv "$venv" ||
            fail_from_log "the virtual environment could not be made" "$logs/venv.log"
    fi
    pip="$venv/bin/python -m pip --disable-pip-version-check --no-input"
    # shellcheck disable=SC2086
    step "build tools, pinned" "$logs/build.log" \
        $pip install --require-hashes -r deploy/locks/build.txt ||
        fail_from_log "the build tools could not be installed" "$logs/build.log"
    count=$(grep -c '^[A-Za-z0-9]' deploy/locks/development.txt)
    # python-ldap comes as source only: it is compiled, with the pinned tools from above.
    # shellcheck disable=SC2086
    step "$count pinned dependencies (a minute or two)" "$logs/dependencies.log" \
        $pip install --no-build-isolation --require-hashes -r deploy/locks/development.txt ||
        fail_from_log "the dependencies could not be installed" "$logs/dependencies.log"
    # shellcheck disable=SC2086
    step "the project itself" "$logs/project.log" \
        $pip install --no-build-isolation --no-deps -e . ||
        fail_from_log "the project could not be installed" "$logs/project.log"
    printf '%s\n' "$1" >"$ready.new"
    mv "$ready.new" "$ready"
}
