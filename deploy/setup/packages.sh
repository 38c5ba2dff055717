# Debian packages: which are missing, and their installation without starting a server.
# Read by deploy/bootstrap.
# shellcheck shell=sh

# The directories of the demo, and what python-ldap and gssapi are compiled with.
demo_packages="slapd ldap-utils libldap-dev libsasl2-dev libkrb5-dev gcc libc6-dev"
# The browser of the journeys, the domain controller with its Kerberos client, proxies that ask the gate and fronts.
test_packages="chromium fonts-liberation samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules krb5-user nginx haproxy"
# What `make bench` compares with.
bench_packages="nginx apache2 wrk"
# What its group `peers` compares with besides, a peer a line; without its packages it is left out.
peer_packages="libapache2-mod-auth-openidc
liblemonldap-ng-handler-perl liblemonldap-ng-portal-perl libnet-ldap-perl libio-socket-timeout-perl libunicode-string-perl uwsgi-core uwsgi-plugin-psgi"
policy_rc=/usr/sbin/policy-rc.d

wanted_packages() {
    printf '%s' "$demo_packages"
    case $1 in
        test) printf ' %s' "$test_packages" ;;
        bench | peers) printf ' %s' "$bench_packages" ;;
    esac
    # Only Debian's own interpreter takes its headers and its venv from Debian packages.
    case $(command -v "$python" || true) in
        /usr/bin/* | /bin/*) printf ' python3-dev python3-venv' ;;
    esac
}

# missing_packages PURPOSE: the wanted packages that are not installed, or, where there is no
# dpkg, the commands and headers that are not there, each as `not-debian:NAME`.
missing_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        missing_elsewhere "$1"
        return
    fi
    # shellcheck disable=SC2046
    not_installed $(wanted_packages "$1")
}

# missing_peers PURPOSE: those of the peers that are not installed, a peer a line.
missing_peers() {
    if [ "$1" != peers ] || ! command -v dpkg-query >/dev/null 2>&1; then
        return
    fi
    printf '%s\n' "$peer_packages" | while read -r packages; do
        # shellcheck disable=SC2086
        absent=$(not_installed $packages)
        [ -z "$absent" ] || printf '%s\n' "$absent"
    done
}

not_installed() {
    wanted=$*
    # shellcheck disable=SC2086
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
        sed -n 's/^installed //p' || true)
    for package in $wanted; do
        case "
$installed
" in
            *"
$package
"*) ;;
            *) printf '%s ' "$package" ;;
        esac
    done
}

missing_elsewhere() {
    for command in slapd slapadd gcc; do
        PATH=$PATH:/usr/sbin:/usr/libexec command -v $command >/dev/null 2>&1 ||
            printf 'not-debian:%s ' "$command"
    done
    for header in ldap.h sasl/sasl.h; do
        [ -e "/usr/include/$header" ] || printf 'not-debian:%s ' "$header"
    done
    if [ "$1" = test ]; then
        command -v chromium >/dev/null 2>&1 || printf 'not-debian:chromium '
    fi
}

install_packages() {
    case $1 in
        *not-debian:*)
            fail "this is not Debian, and these are missing: $(printf '%s' "$1" | sed 's/not-debian://g')" \
                "install them with your system's own tools and run this again," \
                "or use Debian 12, where set-up installs them itself"
            ;;
    esac
    samba_before=$(PATH=$PATH:/usr/sbin command -v smbd || true)
    become=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            fail "these Debian packages are missing, and there is neither root nor sudo: $1" \
                "ask an administrator to run: apt-get install --no-install-recommends $1"
        # A password may be asked for on a terminal; without one it would wait for ever.
        if [ ! -t 0 ] && ! sudo -n true 2>/dev/null; then
            fail "these Debian packages are missing, and sudo asks for a password: $1" \
                "run \`sudo true\` first, or: sudo apt-get install --no-install-recommends $1"
        fi
        sudo -v || fail "sudo was refused, and these Debian packages are missing: $1"
        become=sudo
    fi
    # A server that is installed here must not be started: the demo runs its own.
    guard=
    if [ ! -e "$policy_rc" ]; then
        guard=made
        trap remove_guard EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM
        printf '#!/bin/sh\nexit 101\n' | $become tee "$policy_rc" >/dev/null
        $become chmod 755 "$policy_rc"
    fi
    # shellcheck disable=SC2086
    if ! $become apt-get install --simulate -qq $1 >/dev/null 2>&1; then
        step "Debian package lists" "$logs/apt.log" $become apt-get update -q ||
            fail_from_log "the Debian package lists could not be read" "$logs/apt.log"
    fi
    # shellcheck disable=SC2086
    if ! step "Debian packages: $1" "$logs/apt.log" $become env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends $1; then
        # Lists that are older than the archive name files that are gone: read them and try again.
        step "Debian package lists" "$logs/apt-update.log" $become apt-get update -q ||
            fail_from_log "the Debian package lists could not be read" "$logs/apt-update.log"
        # shellcheck disable=SC2086
        step "Debian packages: $1" "$logs/apt.log" $become env DEBIAN_FRONTEND=noninteractive \
            apt-get install -q -y --no-install-recommends $1 ||
            fail_from_log "these Debian packages could not be installed: $1" "$logs/apt.log"
    fi
    keep_servers_off "$1"
    remove_guard
}

# install_peers MISSING: each peer by itself. One that cannot be had ends nothing.
install_peers() {
    while read -r packages <&3; do
        (
            fail() {
                say "$@"
                exit 1
            }
            install_packages "$packages"
        ) 3<&- || say "going on without a peer of \`make bench\`, which would need: $packages"
    done 3<<PEERS
$1
PEERS
}

remove_guard() {
    if [ "${guard:-}" = made ]; then
        $become rm -f "$policy_rc"
        guard=
    fi
}

# Nor is a server that came with set-up to start at the next boot.
keep_servers_off() {
    [ -d /run/systemd/system ] || return 0
    for server in slapd nginx haproxy apache2 samba-ad-dc; do
        case " $1 " in
            *" $server "*) $become systemctl disable --quiet "$server" >/dev/null 2>&1 || true ;;
        esac
    done
    case " $1 " in
        *" liblemonldap-ng-"*)
            for unit in handler-perl.timer handler-perl.service portal-perl.timer portal-perl.service; do
                $become systemctl disable --quiet "liblemonldap-ng-$unit" >/dev/null 2>&1 || true
            done
            ;;
    esac
    # What samba-ad-dc brought along; a file server that was there before is left alone.
    if [ -z "$samba_before" ]; then
        $become systemctl disable --quiet smbd nmbd winbind >/dev/null 2>&1 || true
    fi
}
