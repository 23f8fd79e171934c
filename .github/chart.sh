#!/usr/bin/env bash
# Packages the chart of a release: chart.sh VERSION IMAGE DIGEST FOLDER writes multipod-VERSION.tgz into the folder. Its pods run
# the image by its digest, so that what was signed is what runs.
set -euo pipefail
version=${1#v} image=$2 digest=$3 folder=$4

chart=$(mktemp -d)
trap 'rm -rf "$chart"' EXIT
cp -R "$(dirname "$0")/../deploy/chart/." "$chart"

# set_line LINE NEW FILE: exactly one line may be meant, or the chart would be given out without it.
set_line() {
	test "$(grep -cxF -- "$1" "$chart/$3")" = 1 || { echo "$3 of the chart has no single line \"$1\"" >&2; exit 1; }
	sed -i "s|^$1\$|$2|" "$chart/$3"
}
set_line '  repository: "multipod/multipod"' "  repository: \"$image\"" values.yaml
set_line '  digest: ""' "  digest: \"$digest\"" values.yaml
set_line "      image: multipod/multipod:$version" "      image: $image@$digest" Chart.yaml

helm package "$chart" --version "$version" --app-version "$version" --destination "$folder"
