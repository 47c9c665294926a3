import Testing

@testable import Tensors

/// Workspaces that own their memory and those that borrow it.
@Suite struct WorkspaceTests {
  @Test func aWorkspaceOwnsWhatItIsMadeWith() {
    var layout = WorkspaceLayout()
    let region = layout.reserve(Double.self, count: 7)
    let workspace = Workspace(layout)
    #expect(workspace.byteCount == layout.byteCount)
    workspace.pointer(to: region).update(repeating: 3, count: 7)
    #expect(UInt(bitPattern: workspace.pointer(to: region)) % UInt(Workspace.alignment) == 0)
  }

  /// The slice of an arena at any offset: the workspace begins on the next boundary, stays inside, and frees nothing.
  @Test(arguments: [0, 1, 63, 64, 100])
  func aWorkspaceBorrowsASliceOfAnArena(offset: Int) {
    let arena = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 64)
    defer { arena.deallocate() }
    _ = arena.initializeMemory(as: UInt8.self, repeating: 7)
    var layout = WorkspaceLayout()
    let region = layout.reserve(UInt8.self, count: 256)
    do {
      let slice = UnsafeMutableRawBufferPointer(rebasing: arena[offset..<(offset + 256 + 63)])
      let workspace = Workspace(borrowing: slice)
      let lost = (64 - offset % 64) % 64
      #expect(workspace.byteCount == 256 + 63 - lost)
      workspace.pointer(to: region).update(repeating: 1, count: 256)
    }
    let first = (offset + 63) / 64 * 64
    for (i, byte) in arena.enumerated() {
      #expect(byte == (i >= first && i < first + 256 ? 1 : 7), "byte \(i)")
    }
  }

  @Test func nothingCanBeBorrowedToo() {
    #expect(Workspace(borrowing: UnsafeMutableRawBufferPointer(start: nil, count: 0)).byteCount == 0)
    let short = UnsafeMutableRawBufferPointer.allocate(byteCount: 65, alignment: 64)
    defer { short.deallocate() }
    #expect(Workspace(borrowing: UnsafeMutableRawBufferPointer(rebasing: short[1..<9])).byteCount == 0)
  }

  @Test func aRegionBehindABorrowedWorkspaceTraps() async {
    await #expect(processExitsWith: .failure) {
      var layout = WorkspaceLayout()
      let region = layout.reserve(UInt8.self, count: 65)
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 128, alignment: 64)
      let workspace = Workspace(
        borrowing: UnsafeMutableRawBufferPointer(rebasing: memory[0..<64]))
      _ = workspace.pointer(to: region)
    }
  }
}
