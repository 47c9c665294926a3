import Compress
import Foundation
import TestSupport
import Testing

@testable import Compress

@Suite struct TimesCacheTests {
  @Test func whatIsSavedIsReadBack() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("deep/times.txt")
    let cache = TimesCache(path: path)
    cache["a, as tucker2:8,8"] = 0.25
    cache["b"] = 1.0 / 3
    try cache.save()
    let read = TimesCache(path: path)
    #expect(read.count == 2 && read["a, as tucker2:8,8"] == 0.25 && read["b"] == 1.0 / 3)
  }

  @Test func savingKeepsWhatOthersAdded() throws {
    let path = try TemporaryFolder().path("times.txt")
    let (mine, theirs) = (TimesCache(path: path), TimesCache(path: path))
    (mine["a"], theirs["b"]) = (0.5, 0.75)
    try theirs.save()
    try mine.save()
    let read = TimesCache(path: path)
    #expect(read["a"] == 0.5 && read["b"] == 0.75)
  }

  @Test func brokenLinesAreLeftOut() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("times.txt")
    try Data("good\t0.5\nno number\tx\n\t\nnan\tnan\nzero\t0\nnegative\t-1\nthree\t1\t2\n\u{0}\u{FF}".utf8)
      .write(
        to: URL(fileURLWithPath: path))
    let cache = TimesCache(path: path)
    #expect(cache.count == 1 && cache["good"] == 0.5)
    cache["new"] = 0.25
    try cache.save()
    #expect(TimesCache(path: path).count == 2)
  }

  @Test func theFileIsTheUsers() {
    #expect(TimesCache.userPath(["XDG_CACHE_HOME": "/x", "HOME": "/h"]) == "/x/lowrank/times.txt")
    // A relative one is no such folder, as the specification says.
    #expect(TimesCache.userPath(["XDG_CACHE_HOME": "x", "HOME": "/h"]) == "/h/.cache/lowrank/times.txt")
    #expect(TimesCache.userPath(["HOME": ""]) == nil)
  }
}
