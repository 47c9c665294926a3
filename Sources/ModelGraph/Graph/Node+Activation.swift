extension Node {
  /// Whether the node applies one function to each element: what runtimes take up into the layer in front of it.
  package var isActivation: Bool { isStandard && Self.activations.contains(opType) }

  private static let activations: Set = [
    "Relu", "LeakyRelu", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Elu", "Selu", "Softplus",
  ]
}
