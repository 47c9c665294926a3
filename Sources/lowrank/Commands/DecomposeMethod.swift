import ArgumentParser
import Decompose
import LinearAlgebra
import TensorCore

/// The forms that a single kernel can be brought into.
enum DecomposeMethod: String, CaseIterable, ExpressibleByArgument {
  case tucker2
  case cp3
  case cp4
  case spatial
  case spatialMirrored = "spatial-mirrored"
  case channel
  case channelMirrored = "channel-mirrored"
  case svd

  static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

  /// How many ranks the form has.
  var rankCount: Int { self == .tucker2 ? 2 : 1 }

  /// Factors a kernel; `ranks` has `rankCount` elements.
  func decompose<Element: LapackScalar>(
    _ kernel: Tensor<Element>, ranks: [Int], algorithm: Tucker2Algorithm
  ) throws(DecomposeError) -> Decomposition<Element> {
    switch self {
    case .tucker2:
      try Decompose.tucker2(kernel, outputRank: ranks[0], inputRank: ranks[1], algorithm: algorithm)
    case .cp3: try Decompose.cp3(kernel, rank: ranks[0]).decomposition
    case .cp4: try Decompose.cp4(kernel, rank: ranks[0]).decomposition
    case .spatial: try SpatialAnalysis(kernel).decomposition(rank: ranks[0])
    case .spatialMirrored: try SpatialAnalysis(kernel, mirrored: true).decomposition(rank: ranks[0])
    case .channel: try ChannelAnalysis(kernel).decomposition(rank: ranks[0])
    case .channelMirrored: try ChannelAnalysis(kernel, mirrored: true).decomposition(rank: ranks[0])
    case .svd: try truncatedSVD(kernel, rank: ranks[0])
    }
  }
}

/// `64,32`
struct RankList: ExpressibleByArgument {
  let values: [Int]

  init?(argument: String) {
    let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard values.allSatisfy({ $0 > 0 }) else { return nil }
    self.values = values
  }
}
