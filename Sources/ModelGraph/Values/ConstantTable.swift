/// The constants of a graph, in the file's order and by name.
public struct ConstantTable: Sendable, RandomAccessCollection {
  private var constants: [Constant] = []
  private var places: [String: Int] = [:]

  /// An empty table.
  public init() {}

  /// The first place: 0.
  public var startIndex: Int { 0 }
  /// One beyond the last place.
  public var endIndex: Int { constants.count }

  /// A constant by its place.
  public subscript(place: Int) -> Constant { constants[place] }

  /// A constant by its name, the last one where a broken model has several. Setting replaces it, adds it, or takes it
  /// away.
  ///
  /// **Traps** where a constant of another name is set.
  public subscript(name: String) -> Constant? {
    get { places[name].map { constants[$0] } }
    set {
      guard let newValue else { return removeAll { $0.name == name } }
      precondition(newValue.name == name, "constant '\(newValue.name)' set as '\(name)'")
      if let place = places[name] { constants[place] = newValue } else { append(newValue) }
    }
  }

  /// Adds a constant at the end.
  public mutating func append(_ constant: Constant) {
    places[constant.name] = constants.count
    constants.append(constant)
  }

  /// Takes constants away.
  public mutating func removeAll(where isRemoved: (Constant) -> Bool) {
    constants.removeAll(where: isRemoved)
    places = Dictionary(constants.indices.map { (constants[$0].name, $0) }) { _, last in last }
  }
}

extension ConstantTable: Equatable {
  /// Whether the tables hold the same constants in the same order.
  public static func == (a: ConstantTable, b: ConstantTable) -> Bool { a.constants == b.constants }
}
