#!/usr/bin/env bash
# Prints the manifest of the kubectl plugin: krew.sh VERSION FOLDER, with the archives of all platforms in the folder.
set -euo pipefail
version=$1 folder=$2
repository=${GITHUB_REPOSITORY:-multipod/multipod}

cat <<END
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: multipod
spec:
  version: $version
  homepage: https://github.com/$repository
  shortDescription: Inject sidecars by annotation, and see why
  description: |
    Injects sidecars, exporters, proxies and init containers into manifests by
    annotations and policies, exactly as the webhook does it in a cluster, and
    explains what is added, why, and what stands in the way.
  platforms:
END
for arch in amd64 arm64; do
	archive=multipod-linux-$arch.tar.gz
	sum=$(find "$folder" -name "$archive" -exec sha256sum {} + | cut -d ' ' -f 1)
	test -n "$sum" || { echo "$archive is not in $folder" >&2; exit 1; }
	cat <<END
  - selector: {matchLabels: {os: linux, arch: $arch}}
    uri: https://github.com/$repository/releases/download/$version/$archive
    sha256: $sum
    bin: multipod
END
done
