import ModelGraph
import Network
import TensorFiles
import Tensors

/// Values on their way through a network: in memory up to a number of bytes, beyond that in a file without a name.
///
/// Not for use by several threads.
final class ValueStore {
  /// Where a value is.
  enum Stored {
    case memory(NetworkTensor)
    case file(ScratchFile.Place, type: DataType)
  }

  private let mostBytes: Int
  private var bytes = 0
  private var file: ScratchFile?

  init(mostBytes: Int) { self.mostBytes = mostBytes }

  /// Keeps a value.
  ///
  /// **Throws** `FileError` where there is neither memory nor disk for it.
  func store(_ tensor: NetworkTensor) throws(FileError) -> Stored {
    let size = tensor.byteCount
    guard bytes + size > mostBytes, let floats = tensor.floats else {
      bytes += size
      return .memory(tensor)
    }
    let file: ScratchFile
    if let open = self.file { file = open } else { file = try ScratchFile() }
    self.file = file
    return .file(try file.write(floats), type: tensor.type)
  }

  /// A value that was kept.
  func value(_ stored: Stored) throws(FileError) -> NetworkTensor {
    switch stored {
    case .memory(let tensor): return tensor
    case .file(let place, let type):
      guard let file else { preconditionFailure("a value of a file that was never made") }
      return NetworkTensor(try file.read(place), type: type)
    }
  }

  /// Forgets a value.
  func release(_ stored: Stored) {
    switch stored {
    case .memory(let tensor): bytes -= tensor.byteCount
    case .file(let place, _): file?.release(place)
    }
  }
}

extension NetworkTensor {
  /// Bytes of the elements as they lie in memory.
  fileprivate var byteCount: Int { shape.count * (integers == nil ? 4 : 8) }
}
