import ArgumentParser
import Decompose
import LinearAlgebra
import Tensors

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

  /// Throws unless the method has the algorithm and takes that many ranks.
  func validate(_ algorithm: DecomposeAlgorithm?, ranks: RankList) throws {
    guard ranks.values.count == rankCount else {
      throw ValidationError("--method \(rawValue) takes \(rankCount) ranks in --ranks.")
    }
    guard let algorithm else { return }
    guard self == .tucker2 ? algorithm.tucker2 != nil : [.cp3, .cp4].contains(self) && algorithm.cp != nil
    else {
      throw ValidationError("--method \(rawValue) has no algorithm \(algorithm.rawValue).")
    }
  }

  /// Factors a kernel; `ranks` has `rankCount` elements. For CP the certificate too.
  func decompose<Element: LapackScalar>(
    _ kernel: Tensor<Element>, ranks: [Int], algorithm: DecomposeAlgorithm?
  ) throws(DecomposeError) -> (decomposition: Decomposition<Element>, certificate: CPCertificate?) {
    switch self {
    case .tucker2:
      let tucker = algorithm?.tucker2 ?? .hooi
      return (
        try Decompose.tucker2(kernel, outputRank: ranks[0], inputRank: ranks[1], algorithm: tucker), nil
      )
    case .cp3:
      let result = try Decompose.cp3(kernel, rank: ranks[0], options: algorithm?.cp ?? CPOptions())
      return (result.decomposition, result.certificate)
    case .cp4:
      let result = try Decompose.cp4(kernel, rank: ranks[0], options: algorithm?.cp ?? CPOptions())
      return (result.decomposition, result.certificate)
    case .spatial: return (try SpatialAnalysis(kernel).decomposition(rank: ranks[0]), nil)
    case .spatialMirrored:
      return (try SpatialAnalysis(kernel, mirrored: true).decomposition(rank: ranks[0]), nil)
    case .channel: return (try ChannelAnalysis(kernel).decomposition(rank: ranks[0]), nil)
    case .channelMirrored:
      return (try ChannelAnalysis(kernel, mirrored: true).decomposition(rank: ranks[0]), nil)
    case .svd: return (try truncatedSVD(kernel, rank: ranks[0]), nil)
    }
  }
}

/// How the factors of the iterative forms are found.
enum DecomposeAlgorithm: String, CaseIterable, ExpressibleByArgument {
  case hosvd
  case stHOSVD = "st-hosvd"
  case hooi
  case als
  case tensorPower = "tensor-power"
  case levenbergMarquardt = "levenberg-marquardt"

  static let help: ArgumentHelp =
    "tucker2: hosvd, st-hosvd or hooi (default); cp3, cp4: als (default), tensor-power, or levenberg-marquardt after als."

  /// The algorithm for Tucker-2, if it is one.
  var tucker2: Tucker2Algorithm? { Tucker2Algorithm(rawValue: rawValue) }

  /// The options for CP, if it is an algorithm for CP.
  var cp: CPOptions? {
    switch self {
    case .als: CPOptions()
    case .tensorPower: CPOptions(algorithm: .tensorPower)
    case .levenbergMarquardt: CPOptions(refinements: 30)
    case .hosvd, .stHOSVD, .hooi: nil
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
