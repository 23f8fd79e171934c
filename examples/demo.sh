#!/bin/sh
# What `make demo` shows: the webhook runs here, gets a pod as an API server sends it, and answers. It uses the commands
# that you use. BEGUN is when it was asked for, BUILT when the program was there, in seconds; ONCE=1 ends by itself.
set -eu
cd "$(dirname "$0")/.."
multipod=${CARGO_TARGET_DIR:-target}/debug/multipod
log=${CARGO_TARGET_DIR:-target}/demo.log
server=

say() { printf '\n%s\n' "$*"; }

# Prints a command as you type it, and runs it; a refusal is an answer, too.
show() {
	printf '\n$ multipod %s\n' "$*"
	"$multipod" "$@" || test $? = 1
}

end() {
	trap - EXIT INT TERM HUP PIPE
	test -z "$server" || { kill "$server" 2>/dev/null || true; wait "$server" || true; }
	exit "$1"
}
trap 'end $?' EXIT
trap 'echo; end 0' INT TERM
# Whoever closes the output or the terminal leaves no server behind either.
trap 'end 0' HUP PIPE

# Starts the webhook, and waits until it says where it listens; fails where it ends instead.
serve() {
	: > "$log"
	"$multipod" serve "$@" > "$log" 2>&1 &
	server=$!
	until grep -q 'multipod review' "$log"; do
		kill -0 "$server" 2>/dev/null || { server=; return 1; }
		sleep 0.05
	done
}

say "The fruit service listens on port 8775, and everybody expects it on port 80. Its Deployment asks for a proxy:"
echo
grep -B 2 -A 1 -n 'multipod/' examples/fruit/deployment.yaml

say "The webhook runs on this machine, with its settings and a certificate that it makes for itself:"
anywhere='--listen 127.0.0.1:0 --admin-listen 127.0.0.1:0'
printf '\n$ multipod serve\n'
# Its usual ports may be somebody else's here. Unquoted where it has to be several words.
if test -n "${ONCE:-}" || ! serve; then
	serve $anywhere || { cat "$log" >&2; exit 1; }
fi
grep 'multipod listens' "$log"
# What has to be said to reach it where its ports are others.
reach=$(sed -n 's/^  multipod review app.yaml//p' "$log")

say "An API server would send it the pods of the Deployment, one by one. So does this command:"
show review examples/fruit/deployment.yaml --draw $reach

say "A mistake is told when the pod is created, with its place and what to write:"
show review docs/examples/mistake.yaml $reach

now=$(date +%s)
: "${BEGUN:=$now}" "${BUILT:=$BEGUN}"
say "From the start of make demo to here: $((now - BEGUN)) s, $((BUILT - BEGUN)) s of them to build."
cloned=$(sed -n '1s/.*> \([0-9]*\) .*	clone: from .*/\1/p' .git/logs/HEAD 2>/dev/null || true)
if test -n "$cloned" && test $((now - cloned)) -lt 3600; then echo "From the clone to here: $((now - cloned)) s."; fi
test -z "${ONCE:-}" || exit 0

say "The webhook goes on until Ctrl-C; what it logs is in $log. To try next, in another terminal:"
cat <<NEXT

  $multipod review docs/examples/mistake.yaml$reach   # correct the file, and ask again
  $multipod explain examples/fruit/deployment.yaml     # who asked for what, and what is added in which order
  $multipod patterns                                   # everything that it can add, with examples
NEXT
wait "$server" || true
server=
