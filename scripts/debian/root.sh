#!/usr/bin/env bash
# What the scripts share that use Debian systems in folders, of this machine's architecture or another under QEMU. To be
# sourced, with `architecture` and `root`, the folder that the system lies in, set.

: "${architecture:?}" "${root:?}"
host=$(dpkg --print-architecture)
# The processor for `enter`: emulated, a board of today without the emulator's costly pointer authentication.
# shellcheck disable=SC2034 # used where this is sourced
if [ "$architecture" = "$host" ]; then cpu=native; else cpu=neoverse-n1; fi

# The mirror of the machine's own Debian sources, in either of apt's two formats.
mirror() {
  if [ -n "${MIRROR:-}" ]; then
    echo "$MIRROR"
    return
  fi
  # shellcheck disable=SC2016 # apt-get's own names
  apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' |
    awk '$2 == "Debian" && $3 == "Debian" { print $1; exit }'
}

install_root_tools() {
  local missing=() tool
  [ -x /usr/bin/mmdebstrap ] || missing+=(mmdebstrap)
  if [ "$architecture" != "$host" ]; then
    # mmdebstrap asks arch-test, which it only recommends, whether the emulator works.
    [ -x /usr/bin/arch-test ] || missing+=(arch-test)
    [ -x /usr/bin/qemu-aarch64-static ] || missing+=(qemu-user-static)
  fi
  for tool in "${missing[@]}"; do
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y "$tool"
  done
}

# Lets the kernel start programs of arm64 with QEMU; the flag F keeps the interpreter open, so that it works in a chroot.
register_emulator() {
  local handlers=/proc/sys/fs/binfmt_misc
  [ "$architecture" != "$host" ] || return 0
  [ -e $handlers/register ] || mount -t binfmt_misc binfmt_misc $handlers
  [ -e $handlers/qemu-aarch64 ] || cat /usr/lib/binfmt.d/qemu-aarch64.conf > $handlers/register
  if ! grep -q '^flags:.*F' $handlers/qemu-aarch64; then
    echo "the handler $handlers/qemu-aarch64 lacks the flag F: install Debian's qemu-user-static" >&2
    exit 1
  fi
}

# Makes a Debian system of `architecture`: bootstrap SUITE FOLDER [PACKAGES]
bootstrap() {
  local from
  from=$(mirror)
  if [ -z "$from" ]; then
    echo "no Debian mirror among apt's sources: name one in MIRROR" >&2
    exit 1
  fi
  # A mirror that lags serves an unstable Release file past its date.
  mmdebstrap --architectures="$architecture" --variant=minbase ${3:+--include="$3"} \
    --aptopt='Acquire::Check-Valid-Until "false"' --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    "$1" "$2" "$from"
}

# What this machine's git, resolver and pip know, for a system that builds: share_settings FOLDER
share_settings() {
  local certificates
  [ ! -e /etc/gitconfig ] || cp /etc/gitconfig "$1/etc/gitconfig"
  [ ! -e /etc/resolv.conf ] || cp -L /etc/resolv.conf "$1/etc/resolv.conf"
  [ -e /etc/pip.conf ] || return 0
  # Under a name of their own: the system's package of certificates writes its file anew.
  certificates=$(sed -n 's/^cert *= *//p' /etc/pip.conf)
  [ -z "$certificates" ] || cp -L "$certificates" "$1/etc/pip-certificates.crt"
  sed 's|^cert *=.*|cert = /etc/pip-certificates.crt|' /etc/pip.conf > "$1/etc/pip.conf"
}

# The files of the work tree in /src, in place of those of the last run; what was built stays.
copy_sources() {
  mkdir -p "$root/src"
  find "$root/src" -mindepth 1 -maxdepth 1 ! -name '.build*' -exec rm -rf {} +
  # shellcheck disable=SC2016 # expanded by the inner shell
  git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard |
    xargs -0 -I '{}' sh -c '[ ! -e "$1" ] || printf "%s\0" "$1"' sh '{}' |
    tar --null --files-from=- --create | tar --extract --directory="$root/src"
}

# The folders that this machine's git reads repositories from in place of an address, which the root then sees too.
git_folders() {
  git config --get-regexp '^url\..*\.insteadof$' | sed -n 's/^url\.\(\/.*\)\.insteadof .*/\1/p' | sort -u
}

# Runs a command in the root as the processor CPU: inside mounts of its own, which end with it. FOREIGN, where it is set, is
# another system that it sees as /foreign and whose /src it has in place of its own.
enter() {
  local cpu=$1 folders
  shift
  folders=$(git_folders)
  # shellcheck disable=SC2016 # expanded by the inner shell
  ROOT=$root FOLDERS=$folders FOREIGN=${FOREIGN:-} unshare --mount --fork bash -euc '
    mount --rbind /dev "$ROOT/dev"
    mount -t proc proc "$ROOT/proc"
    for folder in $FOLDERS; do
      mkdir -p "$ROOT/$folder"
      mount --bind "$folder" "$ROOT/$folder"
    done
    if [ -n "$FOREIGN" ]; then
      mkdir -p "$ROOT/foreign" "$ROOT/src"
      mount --bind "$FOREIGN" "$ROOT/foreign"
      mount --bind "$FOREIGN/src" "$ROOT/src"
    fi
    cpu=$1
    shift
    [ "$cpu" = native ] || export QEMU_CPU="$cpu"
    exec chroot "$ROOT" /usr/bin/env -i ${QEMU_CPU:+QEMU_CPU="$QEMU_CPU"} HOME=/root LANG=C.UTF-8 \
      PATH=/usr/libexec/swift/bin:/usr/bin:/bin:/usr/sbin:/sbin sh -ec "cd /src && exec \"\$@\"" sh "$@"
  ' bash "$cpu" "$@"
}
