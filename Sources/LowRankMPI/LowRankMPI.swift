import lowrank

/// The program `lowrank-mpi`: `mpirun -n 2 lowrank-mpi tune ...`.
@main
enum LowRankMPI {
  static func main() {
    Program.prepare()
    do {
      let group = try MPIGroup()
      // Whoever fails ends the others as well, which would wait for it.
      if let code = Program.tune(in: group) { group.abort(code) }
      try group.end()
    } catch { Program.exit(error) }
  }
}
