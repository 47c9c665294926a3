import Foundation
import Testing

@testable import Reports

@Suite struct BitmapTests {
  /// Foundation's base64 for every remainder of three.
  @Test func textIsThatOfFoundation() {
    for count in 0..<20 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 97 + 200) }
      #expect(Bitmap.base64(bytes) == Data(bytes).base64EncodedString())
    }
  }

  /// The bytes of a file of 3 x 2 pixels, by hand: lowest row first, blue first, rows filled up to four bytes.
  @Test func rowsRunFromTheLowestUp() throws {
    let pixels: [UInt8] = [1, 2, 3, 4, 5, 6]
    let grey = Bitmap(width: 3, height: 2, channels: 1, pixels: pixels).address
    let file = try #require(Data(base64Encoded: String(grey.dropFirst("data:image/bmp;base64,".count))))
    #expect(Array(file[0..<6]) == [66, 77, 78, 0, 0, 0])
    #expect(file[18] == 3 && file[22] == 2 && file[28] == 24)
    #expect(Array(file[54...]) == [4, 4, 4, 5, 5, 5, 6, 6, 6, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0])
    let colour = Bitmap(width: 1, height: 1, channels: 3, pixels: [10, 20, 30]).address
    let bytes = try #require(Data(base64Encoded: String(colour.dropFirst("data:image/bmp;base64,".count))))
    #expect(Array(bytes[54...]) == [30, 20, 10, 0])
  }
}
