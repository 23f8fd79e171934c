#!/bin/sh
# A preprocessor of mdBook. The book holds docs/ alone: what its pages link to outside of that folder is in the repository.
set -eu
case "${1:-}" in supports) exit 0 ;; esac
exec jq --arg root "${GITHUB_REPOSITORY:+https://github.com/$GITHUB_REPOSITORY/blob/main/}" '.[1] | walk(
	if $root != "" and type == "object" and (.path | type) == "string" then
		("\\]\\(" + "\\.\\./" * (.path | split("/") | length)) as $out | .content |= gsub($out; "](" + $root)
	else . end)'
