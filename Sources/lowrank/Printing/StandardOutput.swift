import TensorFiles

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The one way of results to standard output. A write that fails is an error, so that no result is lost in silence.
enum StandardOutput {
  static let title = "standard output"
  static var descriptor: Int32 { STDOUT_FILENO }

  /// Prints a text and a newline.
  ///
  /// **Throws** `FileError` where not all of it was taken: a full disk, a closed pipe.
  static func print(_ text: String) throws(FileError) {
    try FileWriter.write(Data((text + "\n").utf8), to: descriptor, named: title)
  }

  /// Sees to it that a failed write is seen, and that no file is mistaken for a standard stream. Call it first.
  static func prepare() {
    // A pipe that nobody reads is an error like any other, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    // The next file that is opened would have the number of a stream that the caller closed, and what is printed would go
    // into it. Opened the wrong way round, so that using the stream stays an error.
    for stream in STDIN_FILENO...STDERR_FILENO where fcntl(stream, F_GETFD) < 0 {
      _ = open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}
