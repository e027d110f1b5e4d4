#!/usr/bin/env bash
# Installs the Debian packages that are missing, for building (default) or also for all checks ("checks").
set -euo pipefail

packages=(g++ cmake ninja-build libdnnl-dev libjpeg62-turbo-dev libpng-dev libwebp-dev zlib1g-dev libstb-dev
  libcli11-dev nlohmann-json3-dev doctest-dev libxsimd-dev)
if [ "${1:-}" = checks ]; then
  packages+=(binutils clang libclang-rt-14-dev libomp-dev clang-format libbenchmark-dev g++-12-aarch64-linux-gnu qemu-user
    pkg-config lintian)
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "please install as root: apt-get install ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
