#!/usr/bin/env bash
# Builds vitrun for 64-bit ARM, with warnings as errors. "run" then has an emulator of that CPU compute the recorded logits
# of tests/golden/models.
set -euo pipefail
case "$#,${1:-}" in
  0,) run= ;;
  1,run) run=1 ;;
  *)
    echo "usage: ${0##*/} [run]" >&2
    exit 2
    ;;
esac
cd "$(dirname "$0")/.."

missing() {
  command -v "$1" >/dev/null && return 1
  echo "SKIPPED: no $1 here (Debian: $2)"
}
! missing aarch64-linux-gnu-g++-12 g++-12-aarch64-linux-gnu || exit 0
# What is not run need not be fast, and is compiled in half the time.
type=Debug
[ -z "$run" ] || type=Release
cmake --preset aarch64 -DINTVIT_WERROR=ON -DCMAKE_BUILD_TYPE=$type -DCMAKE_CXX_FLAGS_DEBUG=-O0 >/dev/null
cmake --build --preset aarch64 --target vitrun
[ -n "$run" ] || exit 0

! missing qemu-aarch64 qemu-user || exit 0
cat >build/aarch64/emulated_vitrun <<END
#!/bin/sh
exec qemu-aarch64 -L /usr/aarch64-linux-gnu "$PWD/build/aarch64/bin/vitrun" "\$@"
END
chmod +x build/aarch64/emulated_vitrun
VITRUN=$PWD/build/aarch64/emulated_vitrun INTVIT_DEMO_DIR=$PWD/models/demo bash tests/cli/golden_test.sh
