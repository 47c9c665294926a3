#if DEBUG
  /// Whether the compiler optimises: otherwise every closure is an allocation.
  public let isOptimised = false
#else
  /// Whether the compiler optimises: otherwise every closure is an allocation.
  public let isOptimised = true
#endif
