import Tensors

/// Uninitialised scratch memory for one call of a routine.
///
/// `body` gets room for at least one element, so that a query may write its answer there.
func withScratch<Element: BitwiseCopyable, R, E: Error>(
  _ count: Int, of: Element.Type = Element.self, _ body: (UnsafeMutablePointer<Element>) throws(E) -> R
) throws(E) -> R {
  let pointer = UnsafeMutablePointer<Element>.allocate(capacity: max(1, count))
  defer { pointer.deallocate() }
  return try body(pointer)
}

/// The workspace length that a LAPACK query reported as a floating-point number, rounded up.
///
/// A length above 2^24 has no exact Float, and LAPACK before 3.10 rounds it to nearest: one too few is an error of the
/// caller.
func workspaceLength<Element: Scalar>(_ reported: Element) -> Int {
  Int((Double(reported) * (1 + Double(Element.ulpOfOne))).rounded(.up))
}
