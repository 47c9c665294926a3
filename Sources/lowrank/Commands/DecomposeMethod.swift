import ArgumentParser
import Decompose
import Forms

/// A form that a single kernel can be brought into, by its word.
struct DecomposeMethod: ExpressibleByArgument {
  let kind: FormKind

  init?(argument: String) {
    guard let kind = FormKind(argument), kind.decomposition != nil else { return nil }
    self.kind = kind
  }

  static var allValueStrings: [String] { FormKind.lowRank.map(\.name) }
  static var names: String { allValueStrings.joined(separator: ", ") }

  /// The form with ranks, and the options for an algorithm.
  ///
  /// **Throws** unless the method has the algorithm and takes that many ranks.
  func resolve(
    _ algorithm: DecomposeAlgorithm?, ranks: RankList
  ) throws -> (form: FactoredForm, options: DecompositionOptions) {
    guard ranks.values.count == kind.ranks.count else {
      throw ValidationError("--method \(kind) takes \(kind.ranks.count) ranks in --ranks.")
    }
    let form = FactoredForm(kind, ranks: ranks.values)
    guard let algorithm else { return (form, DecompositionOptions()) }
    guard let options = kind.decomposition?.options(algorithm: algorithm.word) else {
      throw ValidationError("--method \(kind) has no algorithm \(algorithm.word).")
    }
    return (form, options)
  }
}

/// The word for how the factors of an iterative form are found.
struct DecomposeAlgorithm: ExpressibleByArgument {
  let word: String

  init?(argument: String) {
    guard Self.allValueStrings.contains(argument) else { return nil }
    word = argument
  }

  /// The words of all forms, each once.
  static var allValueStrings: [String] {
    FormKind.lowRank.flatMap { $0.decomposition?.algorithms ?? [] }
      .reduce(into: []) { words, word in
        if !words.contains(word) { words.append(word) }
      }
  }

  static let help: ArgumentHelp =
    "tucker2: hosvd, st-hosvd or hooi (default); cp3, cp4: als (default), tensor-power, or levenberg-marquardt after als."
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
