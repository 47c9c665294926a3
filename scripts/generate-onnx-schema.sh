#!/usr/bin/env bash
# Generates Sources/ONNX/Schema/onnx-subset.pb.swift from the schema beside it. Needed only when the schema changes.
# Needs protoc (Debian: protobuf-compiler) and protoc-gen-swift, whose path is the argument: build it in a checkout
# of swift-protobuf with `swift build --product protoc-gen-swift`.
set -euo pipefail
plugin=${1:?usage: generate-onnx-schema.sh PATH/TO/protoc-gen-swift}
cd "$(dirname "$0")/../Sources/ONNX/Schema"
protoc --plugin=protoc-gen-swift="$plugin" --swift_opt=Visibility=Internal \
  --swift_opt=UseAccessLevelOnImports=true --swift_out=. onnx-subset.proto
