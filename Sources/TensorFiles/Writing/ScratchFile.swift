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
    var failure: FileError?
    tensor.withSpan { span in
      span.withUnsafeBytes { bytes in
        var done = 0
        while done < size && failure == nil {
          let wrote = pwrite(
            descriptor, bytes.baseAddress.map { $0 + done }, min(size - done, 1 << 30),
            off_t(place.start + done))
          if wrote > 0 {
            done += wrote
          } else if errno != EINTR {
            failure = .system(folder, "cannot be written")
          }
        }
      }
    }
    if let failure { throw failure }
    return place
  }

  /// A tensor that was stored.
  ///
  /// **Throws** `FileError` where the disk fails.
  public func read(_ place: Place) throws(FileError) -> Tensor<Float> {
    let size = place.shape.count * MemoryLayout<Float>.size
    var failure: FileError?
    let tensor = Tensor<Float>(shape: place.shape) { span in
      span.withUnsafeMutableBytes { bytes in
        var done = 0
        while done < size && failure == nil {
          let got = pread(
            descriptor, bytes.baseAddress.map { $0 + done }, min(size - done, 1 << 30),
            off_t(place.start + done))
          if got > 0 {
            done += got
          } else if got == 0 || errno != EINTR {
            failure = .system(folder, "cannot be read")
          }
        }
      }
    }
    if let failure { throw failure }
    return tensor
  }

  /// Gives the room of a tensor back.
  public func release(_ place: Place) {
    free[place.shape.count * MemoryLayout<Float>.size, default: []].append(place.start)
  }
}
