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
