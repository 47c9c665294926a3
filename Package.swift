// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

// Swift 6.2 wants the lifetime of a span that a method changes written out where it takes another span too, and has the
// attribute only as a feature to be enabled; 6.3 infers it.
#if compiler(<6.3)
  let lifetimes: [SwiftSetting] = [.enableExperimentalFeature("Lifetimes")]
#else
  let lifetimes: [SwiftSetting] = []
#endif

let package = Package(
  name: "swift-lowrank",
  products: [
    .library(name: "Tensors", targets: ["Tensors"]),
    .library(name: "Forms", targets: ["Forms"]),
    .library(name: "TensorFiles", targets: ["TensorFiles"]),
    .library(name: "LinearAlgebra", targets: ["LinearAlgebra"]),
    .library(name: "Decompose", targets: ["Decompose"]),
    .library(name: "Conv", targets: ["Conv"]),
    .library(name: "ModelGraph", targets: ["ModelGraph"]),
    .library(name: "ONNX", targets: ["ONNX"]),
    .library(name: "Network", targets: ["Network"]),
    .library(name: "Gradients", targets: ["Gradients"]),
    .library(name: "Compress", targets: ["Compress"]),
    .library(name: "Tune", targets: ["Tune"]),
    .library(name: "Reports", targets: ["Reports"]),
    .executable(name: "lowrank", targets: ["LowRankProgram"]),
    // The C interface; scripts/install.sh makes liblowrank.so and liblowrank.a out of it.
    .library(name: "LowRankC", type: .static, targets: ["LowRankC"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.7.0")
  ],
  targets: [
    // BLAS and LAPACK. `pkgConfig` finds LAPACKE; the module map links OpenBLAS before it, so that
    // both resolve to OpenBLAS whatever the system's alternatives point at.
    .systemLibrary(
      name: "CLapack", pkgConfig: "lapacke",
      providers: [.apt(["liblapacke-dev", "libopenblas-dev"]), .brew(["openblas", "lapack"])]),
    .systemLibrary(name: "CAllocator"),
    // Images, for the command alone; CImages is what libpng and libjpeg need of C.
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
    .target(name: "CImages", dependencies: ["CJPEG", "CPNG"]),
    .target(name: "Images", dependencies: ["CImages", "TensorFiles"], swiftSettings: strict),
    .target(name: "Tensors", swiftSettings: strict),
    .target(name: "Forms", dependencies: ["Tensors"], swiftSettings: strict),
    .target(name: "TensorFiles", dependencies: ["Forms", "Tensors"], swiftSettings: strict),
    .target(name: "LinearAlgebra", dependencies: ["CLapack", "Tensors"], swiftSettings: strict),
    .target(name: "Decompose", dependencies: ["Forms", "LinearAlgebra", "Tensors"], swiftSettings: strict),
    // The convolution kernels, in C for their intrinsics; each function names its instruction set itself.
    .target(name: "CKernels"),
    .target(
      name: "Conv", dependencies: ["CKernels", "Forms", "LinearAlgebra", "TensorFiles", "Tensors"],
      swiftSettings: strict + lifetimes),
    // What networks do to maps besides convolutions.
    .target(name: "Maps", dependencies: ["CKernels", "Conv", "Tensors"], swiftSettings: strict),
    // A network without a file format.
    .target(name: "ModelGraph", dependencies: ["TensorFiles", "Tensors"], swiftSettings: strict),
    // The file format: protobuf's wire format to a ModelGraph and back.
    .target(name: "ONNX", dependencies: ["ModelGraph", "TensorFiles", "Tensors"], swiftSettings: strict),
    // Runs networks.
    .target(
      name: "Network",
      dependencies: [
        "Conv", "LinearAlgebra", "Maps", "ModelGraph", "ONNX", "Tensors",
      ], swiftSettings: strict),
    // Runs networks forward and backward.
    .target(
      name: "Gradients",
      dependencies: ["Conv", "ModelGraph", "Network", "TensorFiles", "Tensors"], swiftSettings: strict),
    // ONNX Runtime's C library, loaded where it is installed: for its times.
    .target(name: "COnnxRuntime"),
    .target(
      name: "Compress",
      dependencies: [
        "COnnxRuntime", "Conv", "Decompose", "Forms", "Gradients", "LinearAlgebra", "ModelGraph", "Network",
        "ONNX", "TensorFiles", "Tensors",
      ],
      swiftSettings: strict),
    // Losses, optimisers: a compressed network learns from the original.
    .target(
      name: "Tune",
      dependencies: ["Conv", "Gradients", "ModelGraph", "Network", "TensorFiles", "Tensors"],
      swiftSettings: strict),
    // What Compress decided, as JSON and as a page for the browser.
    .target(name: "Reports", dependencies: ["Compress", "Decompose", "Forms"], swiftSettings: strict),
    // lowrank.h, and what its Swift side needs of C.
    .target(name: "CLowRank"),
    .target(
      name: "LowRankC",
      dependencies: [
        "CLowRank", "Compress", "Conv", "Decompose", "LinearAlgebra", "ModelGraph", "Network", "ONNX",
        "Forms", "Reports", "TensorFiles", "Tensors",
      ],
      swiftSettings: strict),
    // The command: a library, so that another program, lowrank-mpi below, has its arguments and its runs.
    .target(
      name: "lowrank",
      dependencies: [
        "CAllocator", "Compress", "Conv", "Decompose", "Forms", "Gradients", "Images", "LinearAlgebra",
        "ModelGraph", "Network", "ONNX", "Reports", "TensorFiles", "Tensors", "Tune",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(name: "LowRankProgram", dependencies: ["lowrank"], swiftSettings: strict),
    // Gives the parsers what scripts/fuzz/parsers.py sends; no product.
    .executableTarget(
      name: "Fuzzing",
      dependencies: [
        "Compress", "Forms", "Images", "ModelGraph", "Network", "ONNX", "TensorFiles", "Tensors", "Tune",
      ], path: "Tests/Fuzzing", exclude: ["Corpus"], swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["Tensors"], path: "Tests/TestSupport", swiftSettings: strict),
    .testTarget(name: "TensorsTests", dependencies: ["Tensors", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "FormsTests", dependencies: ["Forms", "Tensors", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "TensorFilesTests", dependencies: ["Forms", "TensorFiles", "Tensors", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "LinearAlgebraTests",
      dependencies: ["LinearAlgebra", "Forms", "TensorFiles", "Tensors", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "DecomposeTests",
      dependencies: ["Decompose", "LinearAlgebra", "Forms", "TensorFiles", "Tensors", "TestSupport"],
      swiftSettings: strict),
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    // Convolutions by plain loops in C, which tests without optimisation can afford.
    .target(name: "ConvolutionDefinition", path: "Tests/ConvolutionDefinition"),
    .testTarget(
      name: "ConvTests",
      dependencies: [
        "AllocationCounter", "Conv", "ConvolutionDefinition", "LinearAlgebra", "Forms", "TensorFiles",
        "Tensors", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ModelGraphTests",
      dependencies: ["ModelGraph", "ONNX", "TensorFiles", "Tensors", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ONNXTests", dependencies: ["ModelGraph", "ONNX", "TensorFiles", "Tensors", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "CompressTests",
      dependencies: [
        "Compress", "Decompose", "LinearAlgebra", "ModelGraph", "Network", "ONNX", "Forms", "TensorFiles",
        "Tensors", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ReportsTests",
      dependencies: [
        "Compress", "Decompose", "Forms", "ModelGraph", "ONNX", "Reports", "Tensors", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "LowRankCTests",
      dependencies: [
        "CLowRank", "Compress", "Conv", "Decompose", "LinearAlgebra", "LowRankC", "ModelGraph", "Network",
        "ONNX", "Forms", "TensorFiles", "Tensors", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "NetworkTests",
      dependencies: [
        "AllocationCounter", "Maps", "ModelGraph", "Network", "ONNX", "TensorFiles", "Tensors", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "GradientsTests",
      dependencies: ["Conv", "Gradients", "ModelGraph", "Network", "TensorFiles", "Tensors", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "TuneTests",
      dependencies: [
        "Compress", "Gradients", "ModelGraph", "Network", "ONNX", "TensorFiles", "Tensors", "TestSupport",
        "Tune",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "lowrank", "LowRankProgram", "Forms", "ModelGraph", "ONNX", "TensorFiles", "Tensors", "TestSupport",
      ],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)

// LOWRANK_MPI=1 adds lowrank-mpi, which tunes in several processes. It is asked for by name, and not there wherever OpenMPI's
// header is: what a build makes does not hang on what else a machine has, and nothing that most people build links MPI.
if Context.environment["LOWRANK_MPI"] == "1" {
  package.products.append(.executable(name: "lowrank-mpi", targets: ["LowRankMPI"]))
  package.targets += [
    .systemLibrary(name: "CMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .executableTarget(name: "LowRankMPI", dependencies: ["CMPI", "Tune", "lowrank"], swiftSettings: strict),
  ]
}

// LOWRANK_TESTS names targets of tests, with commas between, and the package is those and what they stand
// on: what scripts/checks/sanitize.sh builds, for which the rest would be minutes of building that no test there uses.
if let names = Context.environment["LOWRANK_TESTS"] {
  var kept = Set(names.split(separator: ",").map(String.init))
  var waiting = Array(kept)
  while let name = waiting.popLast() {
    let target = package.targets.first { $0.name == name }
    for case .byNameItem(let needed, _) in target?.dependencies ?? [] where kept.insert(needed).inserted {
      waiting.append(needed)
    }
  }
  package.targets.removeAll { !kept.contains($0.name) }
  package.products = []
}
