#!/usr/bin/env bash
# Tests which tests scripts/debian/test.sh runs, with and without FILTER: its system is a stand-in that only notes what
# it is asked for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/roots/amd64/etc"
touch "$work/roots/amd64/etc/debian_version"

stand_in() {
  printf '#!/usr/bin/env bash\n%s\n' "$2" > "$work/bin/$1"
  chmod +x "$work/bin/$1"
}
stand_in id 'echo 0'
stand_in dpkg 'echo amd64'
stand_in apt-get ':'
# unshare --mount --fork bash -euc SCRIPT bash CPU COMMAND...
# shellcheck disable=SC2016 # expanded by the stand-in
stand_in unshare 'shift 6
[[ "$2" != *.xctest ]] || echo "$1 ${*: -1}" >> "$NOTES"
echo "Test run with ${FOUND:-3} tests in 1 suite passed"'

# The filters of the tests in a run of the script with these arguments.
filters_of() {
  : > "$work/notes"
  PATH=$work/bin:$PATH ROOTS=$work/roots NOTES=$work/notes scripts/debian/test.sh "$@" > "$work/log" 2>&1
}

fail() {
  echo "FAILED: $*" >&2
  cat "$work/notes" "$work/log" >&2
  exit 1
}

filters_of amd64
targets=(Tests/*Tests)
[ "$(wc -l < "$work/notes")" -eq ${#targets[@]} ] || fail "without FILTER not one run a target"

# Whatever the filter is made of, every test that it names runs once.
for filter in 'HeaderAgreement|versionNames' '^ConvTests\.' 'ConvTests|LowRankCTests' 'fold'; do
  filters_of amd64 "$filter"
  [ "$(cat "$work/notes")" = "native $filter" ] || fail "'$filter' is not what is run, once"
done

! FOUND=0 filters_of amd64 nosuchtest || fail "a filter that names no test passes"
grep -q "nosuchtest" "$work/log" || fail "a filter that names no test is not mentioned"
echo "debian-test.sh runs what it is asked for"
