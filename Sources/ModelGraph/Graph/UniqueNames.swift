/// Gives out names that collide with none seen before.
package struct UniqueNames {
  private var taken: Set<String>

  package init(taken: Set<String> = []) { self.taken = taken }

  /// `name`, or `name_2`, `name_3`, ... where it is taken.
  package mutating func unique(_ name: String) -> String {
    var candidate = name
    var number = 2
    while !taken.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }
}
