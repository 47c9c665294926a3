#!/usr/bin/env bash
# `swift build` for another architecture: Swift of this system compiles for a system in a folder, which has Swift of the
# same version and the libraries to be linked with.
#
#     scripts/debian/cross-build.sh FOLDER [OPTIONS of swift build...]
#
# For systems made to compile in, those of swift.sh and of docker/Dockerfile: Swift's description of the folder goes
# to /sdks, links in the folder are made relative and one is added.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

foreign=$1
shift
tools=$(dirname "$(readlink -f "$(command -v swiftc)")")
runtime=$foreign$(dirname "$tools")/lib
# As the modules there are called: x86_64 is -pc- in Debian's Swift, and -unknown- in others.
triple=$(basename --suffix .swiftmodule "$runtime"/swift_static/linux/Swift.swiftmodule/*.swiftmodule)

# Absolute links, such as those of Debian's alternatives, lead the compiler from the foreign system into its own.
make_links_relative() {
  local link to
  find "$foreign"/{usr/include,usr/lib,etc/alternatives} -type l -lname '/*' -print0 |
    while IFS= read -r -d '' link; do
      to=$(readlink "$link")
      ln -sfn "$(realpath --no-symlinks --relative-to="$(dirname "$link")" "$foreign$to")" "$link"
    done
}

describe() {
  local bundle=/sdks/foreign.artifactbundle
  mkdir -p "$bundle"
  cat > "$bundle/info.json" << 'JSON'
{"schemaVersion": "1.0", "artifacts": {"foreign": {"type": "swiftSDK", "version": "1", "variants": [{"path": "."}]}}}
JSON
  cat > "$bundle/swift-sdk.json" << JSON
{"schemaVersion": "4.0", "targetTriples": {"$triple": {
  "sdkRootPath": "$foreign", "swiftResourcesPath": "$runtime/swift", "swiftStaticResourcesPath": "$runtime/swift_static",
  "toolsetPaths": ["toolset.json"]}}}
JSON
  # -fPIC, which the package manager gives by itself where it does not cross-compile: thread-local variables of C would
  # lie in the program's storage when they are the shared library's.
  cat > "$bundle/toolset.json" << JSON
{"schemaVersion": "1.0", "rootPath": "$tools", "swiftCompiler": {"extraCLIOptions": ["-use-ld=lld"]},
  "cCompiler": {"extraCLIOptions": ["-fPIC"]}}
JSON
}

make_links_relative
# Swift's driver takes swiftrt.o from there; Debian has a link of this kind for swift alone.
[ -e "$foreign/usr/lib/swift_static" ] || ln -sr "$runtime/swift_static" "$foreign/usr/lib/swift_static"
describe
PKG_CONFIG_SYSROOT_DIR=$foreign exec swift build --disable-sandbox --swift-sdks-path /sdks --swift-sdk foreign \
  --pkg-config-path "$foreign/usr/lib/${triple%%-*}-linux-gnu/pkgconfig" "$@"
