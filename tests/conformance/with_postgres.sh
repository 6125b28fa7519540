#!/bin/sh
# Starts a private PostgreSQL, runs a command with SEKISHO_TEST_POSTGRES set to its address, and stops it:
#   tests/conformance/with_postgres.sh meson test -C build --suite conformance
# The server listens on a UNIX socket in a temporary folder alone. As root it runs as the user postgres.
# Exit code: the command's; 77 (skipped) when PostgreSQL is not installed.
set -eu

[ $# -gt 0 ] || { echo "usage: $0 COMMAND…" >&2; exit 2; }
bin=$(pg_config --bindir 2>/dev/null || true)
[ -x "$bin/initdb" ] || bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] && [ -x "$bin/initdb" ] || { echo "no PostgreSQL server here: skipped" >&2; exit 77; }

dir=$(mktemp -d /tmp/sekisho-pg-XXXXXX)
server=
clean_up() {
	[ -z "$server" ] || { kill -INT "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

as=
user=$(id -un)
if [ "$(id -u)" = 0 ]; then
	user=postgres
	as="setpriv --reuid=postgres --regid=postgres --init-groups"
	chown postgres: "$dir"
fi
cd "$dir"
$as "$bin/initdb" -D "$dir/data" -A trust -E UTF8 --locale=C -U "$user" >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
# Without a TCP address any port is free: it only names the socket. setpriv and postgres keep the process's number.
$as "$bin/postgres" -D "$dir/data" -k "$dir" -p 5432 -c listen_addresses= -c fsync=off -c shared_buffers=64MB \
	-c max_connections=60 >"$dir/server.log" 2>&1 &
server=$!
cd "$OLDPWD"
for _ in $(seq 100); do
	"$bin/pg_isready" -q -h "$dir" -U "$user" && break
	kill -0 "$server" 2>/dev/null || { cat "$dir/server.log" >&2; exit 1; }
	sleep 0.1
done
# SEKISHO_TEST_POSTGRES_PID lets tests stop and continue the server.
status=0
SEKISHO_TEST_POSTGRES="postgresql://$user@/postgres?host=$dir" SEKISHO_TEST_POSTGRES_PID=$server "$@" || status=$?
exit $status
