import Maps
import ModelGraph

extension RecurrentRun.Function {
  /// The function of a name, with the parameters that the standard gives it where there are none.
  init?(_ name: String, alpha: Float?, beta: Float?) {
    switch name.lowercased() {
    case "sigmoid": self.init(.activation(.sigmoid))
    case "tanh": self.init(.activation(.tanh))
    case "relu": self.init(.activation(.relu))
    case "softsign": self.init(.unary(.softsign))
    case "softplus": self.init(.unary(.softplus))
    case "leakyrelu": self.init(.activation(.leakyReLU(slope: Double(alpha ?? 0.01))))
    case "elu": self.init(.activation(.elu(alpha: Double(alpha ?? 1))))
    case "hardsigmoid":
      self.init(.activation(.hardSigmoid(slope: Double(alpha ?? 0.2), offset: Double(beta ?? 0.5))))
    case "thresholdedrelu": self.init(.unary(.thresholdedReLU), alpha: alpha ?? 1)
    case "affine": self.init(.unary(.copy), outer: alpha ?? 1, shift: beta ?? 0)
    case "scaledtanh": self.init(.activation(.tanh), inner: beta ?? 1, outer: alpha ?? 1)
    default: return nil
    }
  }

  /// The parameters that a function takes out of the lists of the node.
  static func parameters(_ name: String) -> (alpha: Bool, beta: Bool) {
    switch name.lowercased() {
    case "leakyrelu", "thresholdedrelu", "elu": (true, false)
    case "affine", "scaledtanh", "hardsigmoid": (true, true)
    default: (false, false)
    }
  }

  /// The functions of a node, those of the second direction behind those of the first.
  static func all(
    _ node: NodeReader, standard: [String], directions: Int
  ) throws(NetworkError) -> [RecurrentRun.Function] {
    let names =
      try node.texts("activations") ?? Array(repeatElement(standard, count: directions).joined())
    var alphas = try node.floats("activation_alpha") ?? []
    var betas = try node.floats("activation_beta") ?? []
    guard names.count == standard.count * directions else {
      throw node.failure("\(names.count) activations for \(directions) directions")
    }
    var functions: [RecurrentRun.Function] = []
    for name in names {
      let takes = parameters(name)
      let alpha = takes.alpha && !alphas.isEmpty ? alphas.removeFirst() : nil
      let beta = takes.beta && !betas.isEmpty ? betas.removeFirst() : nil
      guard let function = RecurrentRun.Function(name, alpha: alpha, beta: beta) else {
        throw node.failure("there is no activation '\(name)' here")
      }
      functions.append(function)
    }
    return functions
  }
}
