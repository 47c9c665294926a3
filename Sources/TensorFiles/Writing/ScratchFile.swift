#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif
public import Tensors

/// Numbers that have no room in memory: a file without a name in the system's folder for such, gone with the process however
/// that ends.
///
/// Room that was given back is given out again to tensors of the same size.
///
/// Not for use by several threads.
public final class ScratchFile {
  /// Where a tensor lies.
  public struct Place: Hashable, Sendable {
    fileprivate let start: Int
    fileprivate let shape: Shape
  }

  private let descriptor: Int32
  private let folder: String
  private var end = 0
  /// The places of room that was given back, by its size.
  private var free: [Int: [Int]] = [:]

  /// **Throws** `FileError` where the folder cannot be written to.
  public init() throws(FileError) {
    folder = FileManager.default.temporaryDirectory.path
    let name = PartialFile.name(beside: folder + "/x")
    descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system(folder, "cannot be written") }
    unlink(name)
  }

  deinit { close(descriptor) }

  /// Stores a tensor.
  ///
  /// **Throws** `FileError` where the disk is full.
  public func write(_ tensor: Tensor<Float>) throws(FileError) -> Place {
    let size = tensor.count * MemoryLayout<Float>.size
    let place = Place(start: free[size]?.popLast() ?? end, shape: tensor.shape)
    end = max(end, place.start + size)
    let isDone = tensor.withSpan { span in
      span.withUnsafeBytes { bytes in
        Self.transfer(size) { done, count in
          pwrite(descriptor, bytes.baseAddress.map { $0 + done }, count, off_t(place.start + done))
        }
      }
    }
    guard isDone else { throw .system(folder, "cannot be written") }
    return place
  }

  /// A tensor that was stored.
  ///
  /// **Throws** `FileError` where the disk fails.
  public func read(_ place: Place) throws(FileError) -> Tensor<Float> {
    let size = place.shape.count * MemoryLayout<Float>.size
    var isDone = false
    let tensor = Tensor<Float>(shape: place.shape) { span in
      isDone = span.withUnsafeMutableBytes { bytes in
        Self.transfer(size) { done, count in
          pread(descriptor, bytes.baseAddress.map { $0 + done }, count, off_t(place.start + done))
        }
      }
    }
    guard isDone else { throw .system(folder, "cannot be read") }
    return tensor
  }

  /// Moves bytes until all of them are done; false, with `errno`, where the system will not.
  private static func transfer(_ size: Int, _ move: (_ done: Int, _ count: Int) -> Int) -> Bool {
    var done = 0
    while done < size {
      errno = 0
      let moved = move(done, min(size - done, 1 << 30))
      if moved > 0 {
        done += moved
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }

  /// Gives the room of a tensor back.
  public func release(_ place: Place) {
    free[place.shape.count * MemoryLayout<Float>.size, default: []].append(place.start)
  }

  /// Stores bytes behind all that was stored before; gives their place.
  ///
  /// **Throws** `FileError` where the disk is full.
  func append(_ bytes: [UInt8]) throws(FileError) -> Range<Int> {
    let start = end
    end += bytes.count
    let isDone = bytes.withUnsafeBytes { bytes in
      Self.transfer(bytes.count) { done, count in
        pwrite(descriptor, bytes.baseAddress.map { $0 + done }, count, off_t(start + done))
      }
    }
    guard isDone else { throw .system(folder, "cannot be written") }
    return start..<end
  }

  /// All that was stored, to be read while nothing more is.
  ///
  /// **Throws** `FileError` where the system has no more open files to give.
  func appended() throws(FileError) -> ByteView {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw .system(folder, "cannot be read") }
    return ByteView(try OpenFile(copy, path: folder))
  }
}
