#!/usr/bin/env bash
# Makes a Debian or Ubuntu machine ready to build and test: finds Swift 6.2 or newer, and installs what is missing of
# LAPACKE, OpenBLAS, libpng, libjpeg, pkg-config and python3-venv. The other scripts source it, so that they find Swift on their PATH.
set -euo pipefail

setup_swift() {
  local swiftly="${SWIFTLY_BIN_DIR:-${HOME:-}/.local/share/swiftly/bin}" version major minor
  if ! command -v swift > /dev/null && [ -x "$swiftly/swift" ]; then
    PATH="$swiftly:$PATH"
    export PATH
  fi
  version=$(swift --version 2> /dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1) || version=""
  read -r major minor <<< "${version:-0 0}"
  if [ "$major" -lt 6 ] || { [ "$major" -eq 6 ] && [ "$minor" -lt 2 ]; }; then
    local found="none was found"
    [ "$major" -eq 0 ] || found="this one is $major.$minor"
    echo "Swift 6.2 or newer is needed and $found: install it as https://www.swift.org/install/linux/ says," \
      "then run this again." >&2
    exit 1
  fi
}

# Installs those of these packages that are not there.
install_missing() {
  local package missing=() as_root=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo > /dev/null; then
      echo "Please have the administrator run: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "Installing ${missing[*]}"
  # Scripts that run side by side wait for one another, which apt-get itself does not.
  (
    flock 9
    ${as_root[@]+"${as_root[@]}"} apt-get update -q
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get install -q -y "${missing[@]}"
  ) 9> "${TMPDIR:-/tmp}/swift-lowrank-packages.lock"
}

setup_packages() {
  if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
    pkg-config --exists lapacke openblas libpng libjpeg && return
    echo "LAPACKE, OpenBLAS, libpng, libjpeg and pkg-config are needed, and without apt-get they are yours to install" \
      "(macOS: brew install openblas lapack libpng jpeg-turbo pkgconf)." >&2
    exit 1
  fi
  install_missing liblapacke-dev libopenblas-dev libpng-dev libjpeg-dev pkg-config python3-venv
}

setup_swift
setup_packages
