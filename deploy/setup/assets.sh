# Web assets: built by deploy/assets/build.py from what package-lock.json pins.
# Read by deploy/bootstrap.
# shellcheck shell=sh

assets_stamp=$root/gateway/pages/static/vendor/.built-from

# What decides what comes out: the pinned packages and the build's own files.
assets_key() {
    {
        cat package.json package-lock.json 2>/dev/null || true
        find deploy/assets -name node_modules -prune -o -type f -print | LC_ALL=C sort | xargs cat
    } | sha256sum | cut -c 1-64
}

assets_are_ready() {
    [ -e deploy/assets/build.py ] || return 0
    [ -r "$assets_stamp" ] && [ "$(cat "$assets_stamp")" = "$(assets_key)" ]
}

make_assets() {
    step "web assets" "$logs/assets.log" "$venv/bin/python" deploy/assets/build.py ||
        fail_from_log "the web assets could not be built" "$logs/assets.log"
    mkdir -p "$(dirname "$assets_stamp")"
    assets_key >"$assets_stamp"
}
