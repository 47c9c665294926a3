import lowrank

/// The program `lowrank`.
@main
enum LowRankProgram {
  static func main() { Program.run() }
}
