// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "swift-lowrank-benchmarks",
  dependencies: [
    .package(name: "swift-lowrank", path: ".."),
    // Without its traits: they need packages for counting allocations, which these benchmarks do without.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.0", traits: []),
  ],
  targets: [
    .executableTarget(
      name: "Engine",
      dependencies: [
        .product(name: "Benchmark", package: "benchmark"),
        .product(name: "Conv", package: "swift-lowrank"),
        .product(name: "Decompose", package: "swift-lowrank"),
        .product(name: "LinearAlgebra", package: "swift-lowrank"),
        .product(name: "Forms", package: "swift-lowrank"),
        .product(name: "Tensors", package: "swift-lowrank"),
      ],
      path: "Benchmarks/Engine",
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
  ],
  swiftLanguageModes: [.v6]
)
