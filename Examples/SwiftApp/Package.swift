// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "SwiftApp",
  dependencies: [.package(name: "swift-lowrank", path: "../..")],
  targets: [
    .executableTarget(
      name: "SwiftApp",
      dependencies: [
        .product(name: "Forms", package: "swift-lowrank"),
        .product(name: "Tensors", package: "swift-lowrank"),
        .product(name: "Decompose", package: "swift-lowrank"),
        .product(name: "Conv", package: "swift-lowrank"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
