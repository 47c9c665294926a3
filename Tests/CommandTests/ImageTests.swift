import Foundation
import TensorFiles
import Tensors
import TestSupport
import Testing

/// Images through models that pass on what they are given, against Pillow.
@Suite struct ImageTests {
  private static let height = 7
  private static let width = 5

  private func path(_ name: String) -> String { Vectors.path("images/" + name) }

  private func pixels(_ name: String) throws -> [Int] {
    guard case .integers(let bytes, _, .uint8) = try NPYArray(contentsOf: path(name + ".npy")) else {
      return []
    }
    return bytes
  }

  private func run(_ model: String, _ image: String, _ options: String...) throws -> Tensor<Float> {
    let folder = try TemporaryFolder()
    let run = try lowrank(["run", path(model), "-i", image, "-o", folder.path("out")] + options)
    #expect(run.status == 0, "\(run.error)")
    return try NPYFile(contentsOf: folder.path("out/same.npy")).tensor.converted()
  }

  @Test(arguments: ["picture.png", "grey.png", "opacity.png", "palette.png"])
  func pngsAreWhatPillowReads(name: String) throws {
    let result = try run("channels-last.onnx", path(name))
    #expect(result.shape == [1, 7, 5, 3])
    #expect(result.elements == (try pixels(name)).map { Float($0) })
  }

  /// Of 16 bits, 257 times those of 8: brightness as it is written, not light.
  @Test func sixteenBitsMeanWhatEightDo() throws {
    let result = try run("channels-last.onnx", path("grey16.png"))
    #expect(result.elements == (try pixels("grey.png")).map { Float($0) })
  }

  @Test(arguments: [["--mean", "3"], ["--scale", "2"], ["--bgr"], ["--resize", "fit"]])
  func arraysAreNotPrepared(options: [String]) throws {
    let folder = try TemporaryFolder()
    try NPYFile.write(.float(Tensor(shape: [1, 7, 5, 3], repeating: 1)), to: folder.path("x.npy"))
    let model = path("channels-last.onnx")
    for command in [["run", model, "-i"], ["evaluate", model, "--against", model, "--images"]] {
      let run = try lowrank(command + [folder.path("x.npy")] + options)
      #expect(run.status == 1 && run.error.contains("x.npy: --mean"), "\(run.error)")
    }
  }

  /// Decoders may round the inverse transform and the colours each by one.
  @Test(arguments: ["picture.jpg", "progressive.jpg", "grey.jpg"])
  func jpegsAreWhatPillowReads(name: String) throws {
    let result = try run("channels-last.onnx", path(name))
    #expect(zip(result.elements, try pixels(name)).allSatisfy { abs($0 - Float($1)) <= 2 })
  }

  /// Where each orientation of Exif has the pixel of row y and column x of the picture, of 7 stored rows of 5.
  private static let stored: [Int: @Sendable (_ y: Int, _ x: Int) -> (row: Int, column: Int)] = [
    1: { y, x in (y, x) }, 2: { y, x in (y, 4 - x) }, 3: { y, x in (6 - y, 4 - x) },
    4: { y, x in (6 - y, x) },
    5: { y, x in (x, y) }, 6: { y, x in (6 - x, y) }, 7: { y, x in (6 - x, 4 - y) },
    8: { y, x in (x, 4 - y) },
  ]

  /// A JPEG with a segment of Exif in front that says how the camera was held, in either order of bytes.
  private func photograph(held orientation: Int, isLittle: Bool) throws -> [UInt8] {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path("picture.jpg"))))
    func number(_ value: Int, _ count: Int) -> [UInt8] {
      let big = (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - $0))) }
      return isLittle ? big.reversed() : big
    }
    // Two entries, of which the second one tells.
    var tiff = Array((isLittle ? "II" : "MM").utf8) + number(42, 2) + number(8, 4) + number(2, 2)
    tiff += number(0x010F, 2) + number(2, 2) + number(1, 4) + number(0, 4)
    tiff += number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + number(0, 2)
    let body = Array("Exif\0\0".utf8) + tiff
    let count = body.count + 2
    return bytes.prefix(2) + [0xFF, 0xE1, UInt8(count >> 8), UInt8(count & 255)] + body + bytes.dropFirst(2)
  }

  /// As `PIL.ImageOps.exif_transpose` turns them.
  @Test(arguments: 1...8, [true, false]) func photographsAreTurnedAsTheCameraSays(
    orientation: Int, isLittle: Bool
  ) throws {
    let folder = try TemporaryFolder()
    try Data(photograph(held: orientation, isLittle: isLittle)).write(
      to: URL(filePath: folder.path("photo.jpg")))
    let result = try run("channels-last.onnx", folder.path("photo.jpg"))
    let (height, width) = orientation < 5 ? (7, 5) : (5, 7)
    try #require(result.shape == [1, height, width, 3])
    let upright = try run("channels-last.onnx", path("picture.jpg")).elements
    let stored = try #require(Self.stored[orientation])
    for y in 0..<height {
      for x in 0..<width {
        let (row, column) = stored(y, x)
        for c in 0..<3 {
          #expect(result.elements[3 * (y * width + x) + c] == upright[3 * (5 * row + column) + c])
        }
      }
    }
  }

  @Test func coloursOfPrintAreRefusedInWords() throws {
    let run = try lowrank(["run", path("channels-last.onnx"), "-i", path("print.jpg"), "-o", "out"])
    #expect(
      run.status == 1
        && run.error.contains("print.jpg: the image cannot be read: its colours are those of print"))
  }

  @Test(arguments: [0, 9, 65535]) func orientationsThatThereAreNotChangeNothing(orientation: Int) throws {
    let folder = try TemporaryFolder()
    try Data(photograph(held: orientation, isLittle: true)).write(to: URL(filePath: folder.path("photo.jpg")))
    let result = try run("channels-last.onnx", folder.path("photo.jpg"))
    #expect(result.elements == (try run("channels-last.onnx", path("picture.jpg"))).elements)
  }

  @Test func colorsAreShiftedScaledAndOrdered() throws {
    let result = try run(
      "channels-first.onnx", path("picture.png"), "--mean", "1,2,3", "--scale", "0.5,2,4", "--bgr")
    #expect(result.shape == [1, 3, 7, 5])
    let bytes = try pixels("picture.png")
    let (mean, scale): ([Float], [Float]) = ([1, 2, 3], [0.5, 2, 4])
    for channel in 0..<3 {
      for i in 0..<35 {
        // Relu cuts off what is below zero; all numbers are exact.
        let expected = max(0, (Float(bytes[3 * i + 2 - channel]) - mean[channel]) * scale[channel])
        #expect(result.elements[channel * 35 + i] == expected)
      }
    }
  }

  @Test func colorsBecomeGrey() throws {
    let result = try run("one-channel.onnx", path("picture.png"))
    let bytes = try pixels("picture.png").map { Float($0) }
    for i in 0..<35 {
      let expected = 0.299 * bytes[3 * i] + 0.587 * bytes[3 * i + 1] + 0.114 * bytes[3 * i + 2]
      #expect(abs(result.elements[i] - expected) <= 4 * 255 * .ulpOfOne)
    }
  }

  /// Pillow rounds to bytes after each of the two directions.
  @Test(arguments: [("fixed.onnx", "fit"), ("channels-first.onnx", "2x3")])
  func sizesAreFittedAsPillowDoes(model: String, size: String) throws {
    let result = try run(model, path("picture.png"), "--resize", size)
    #expect(result.shape == [1, 3, 3, 2])
    guard case .integers(let bytes, _, _) = try NPYArray(contentsOf: path("picture-2x3.npy")) else { return }
    for channel in 0..<3 {
      for i in 0..<6 { #expect(abs(result.elements[channel * 6 + i] - Float(bytes[3 * i + channel])) <= 1) }
    }
  }

  @Test func foldersAreBatches() throws {
    let folder = try TemporaryFolder()
    for name in ["picture.png", "opacity.png", "picture.jpg"] {
      try FileManager.default.copyItem(atPath: path(name), toPath: folder.path(name))
    }
    let result = try run("channels-last.onnx", folder.path("."))
    #expect(result.shape == [3, 7, 5, 3])
    #expect(Array(result.elements.prefix(105)) == (try pixels("opacity.png")).map { Float($0) })
  }

  @Test func brokenImagesAreErrors() throws {
    let folder = try TemporaryFolder()
    let out = folder.path("out")
    func write(_ bytes: Data, _ name: String) throws -> String {
      try bytes.write(to: URL(fileURLWithPath: folder.path(name)))
      return folder.path(name)
    }
    var huge = try Data(contentsOf: URL(fileURLWithPath: path("picture.png")))
    // The width and the height in the first chunk; its check sum is wrong then too.
    for place in 16..<24 { huge[place] = 0x7F }
    var images = [
      try write(huge, "huge.png"), try write(Data("text".utf8), "text.png"), try write(Data(), "empty.jpg"),
    ]
    for name in ["picture.png", "picture.jpg", "progressive.jpg"] {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path(name)))
      for part in [2, 4, 20, bytes.count / 2, bytes.count - 20] {
        images.append(try write(bytes.prefix(part), "\(part)-\(name)"))
      }
    }
    let names = try folder.names
    for image in images {
      let run = try lowrank("run", path("channels-last.onnx"), "-i", image, "-o", out)
      #expect(run.status == 1 && run.error.contains(image), "\(image): \(run.status) \(run.error)")
    }
    #expect(try folder.names == names)
  }

  @Test func wrongUsageIsSaid() throws {
    let picture = path("picture.png")
    let cases: [([String], Int32, String)] = [
      ([path("fixed.onnx"), "-i", picture], 1, "--resize"),
      ([path("fixed.onnx"), "-i", picture, "--resize", "4x4"], 1, "--resize"),
      ([path("fixed.onnx"), "-i", picture, "--resize", "0x4"], 64, "resize"),
      ([path("fixed.onnx"), "-i", picture, "--mean", "1,2"], 64, "mean"),
      ([path("fixed.onnx"), "-i", picture, "--scale", "nan"], 64, "scale"),
      ([path("fixed.onnx"), "-i", picture, "--rgb", "--bgr"], 64, "bgr"),
      ([Vectors.path("conv2d.onnx"), "-i", picture], 1, "colours"),
      ([Vectors.path("gemm.onnx"), "-i", picture], 1, "four axes"),
    ]
    for (arguments, status, word) in cases {
      let run = try lowrank(["run"] + arguments)
      #expect(run.status == status && run.error.contains(word), "\(arguments): \(run.status) \(run.error)")
    }
  }
}
