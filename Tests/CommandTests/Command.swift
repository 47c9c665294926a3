import Foundation
import Testing

/// What a run of the command left.
struct Run {
  let status: Int32
  let output: String
  let error: String
}

/// Runs the `lowrank` that was built beside the tests.
func lowrank(_ arguments: String...) throws -> Run { try lowrank(arguments) }

/// Runs the `lowrank` that was built beside the tests; its standard output goes to the file `output` where one is named.
func lowrank(_ arguments: [String], output path: String? = nil) throws -> Run {
  let process = Process()
  process.executableURL = executable
  process.arguments = arguments
  let (output, error) = (Pipe(), Pipe())
  if let path {
    let file: FileHandle = try #require(FileHandle(forUpdatingAtPath: path))
    process.standardOutput = file
  } else {
    process.standardOutput = output
  }
  process.standardError = error
  try process.run()
  let text = path == nil ? try output.fileHandleForReading.readToEnd() ?? Data() : Data()
  let complaint = try error.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  #expect(process.terminationReason == .exit, "\(arguments) was ended by a signal")
  return Run(
    status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
    error: String(decoding: complaint, as: UTF8.self))
}

/// Runs a script of the shell in which `$lowrank` is the command, and gives its exit code and standard error.
func shell(_ script: String, in folder: String) throws -> Run {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/bin/sh")
  process.arguments = ["-c", script]
  process.currentDirectoryURL = URL(fileURLWithPath: folder)
  process.environment = ProcessInfo.processInfo.environment.merging(["lowrank": executable.path]) { $1 }
  let error = Pipe()
  process.standardError = error
  try process.run()
  let complaint = try error.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return Run(
    status: process.terminationStatus, output: "", error: String(decoding: complaint, as: UTF8.self))
}

private var executable: URL {
  let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
  return tests.deletingLastPathComponent().appendingPathComponent("lowrank")
}

/// A JSON object.
func json(_ text: String) throws -> [String: Any] {
  try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}
