internal import CLowRank
internal import Compress
internal import Conv
internal import Decompose
internal import LinearAlgebra
internal import ModelGraph
internal import Network
internal import TensorFiles

extension Failure {
  init(_ error: DecomposeError) {
    let status =
      switch error {
      case .notFinite: LOWRANK_NOT_FINITE
      case .rankOutOfRange: LOWRANK_RANK_OUT_OF_RANGE
      case .unsuitableKernel, .unsuitableMoments: LOWRANK_UNSUITABLE
      case .outOfRange: LOWRANK_NOT_FINITE
      case .linearAlgebra(.notComputed): LOWRANK_NOT_COMPUTED
      case .linearAlgebra(.notFinite): LOWRANK_NOT_FINITE
      case .linearAlgebra(.tooLarge): LOWRANK_TOO_LARGE
      }
    self.init(status, error.description)
  }

  init(_ error: ConvError) {
    let status =
      switch error {
      case .tooLarge: LOWRANK_TOO_LARGE
      case .boundsNotInOrder: LOWRANK_INVALID_ARGUMENT
      default: LOWRANK_BAD_GEOMETRY
      }
    self.init(status, error.description)
  }

  init(_ error: CompressError) {
    let status =
      switch error {
      case .model: LOWRANK_BAD_FILE
      case .option: LOWRANK_INVALID_ARGUMENT
      }
    self.init(status, error.description)
  }

  init(_ error: TimingError) {
    switch error {
    case .compression(let error): self.init(error)
    case .network(let error): self.init(error)
    case .file(let error): self.init(error)
    case .table, .runtime: self.init(LOWRANK_UNSUITABLE, error.description)
    }
  }

  init(_ error: ModelError) { self.init(LOWRANK_BAD_FILE, error.description) }

  init(_ error: FileError) { self.init(LOWRANK_BAD_FILE, error.description) }

  init(_ error: NetworkError) {
    let status =
      switch error {
      case .model, .constant: LOWRANK_BAD_FILE
      case .node: LOWRANK_UNSUPPORTED
      case .input, .output: LOWRANK_INVALID_ARGUMENT
      case .memory: LOWRANK_TOO_LARGE
      }
    self.init(status, error.description)
  }
}
