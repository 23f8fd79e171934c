#!/usr/bin/env bash
# Makes an authority and a server certificate for a webhook on this machine, in certs/dev. They are good for 30 days.
set -euo pipefail
cd "$(dirname "$0")/.."

multipod=${MULTIPOD:-target/debug/multipod}
if ! test -x "$multipod"; then
	echo "building multipod first: a few minutes, once" >&2
	cargo build --locked
fi
# The output is the Secret with the key, which nobody needs here.
"$multipod" certs --days 30 --out certs/dev "$@" > /dev/null
ls -l certs/dev
