import Tensors

extension WeightFormat {
  /// The numbers as they are after being stored; rounding them again changes nothing.
  ///
  ///     int8:  w' = scale_c round(w / scale_c),   scale_c >= max |w| / 127 over channel c of `axis`
  ///
  /// **Accuracy** float16: 2^-11 of each number in its range; int8: half a scale.
  func rounded(_ tensor: Tensor<Float>, axis: Int) -> Tensor<Float> {
    switch self {
    case .original: return tensor
    case .float16: return tensor.rounded(to: .float16)
    case .int8:
      let (numbers, scales) = (tensor.quantized(axis: axis), tensor.channelScales(axis: axis))
      let places = ChannelPlaces(tensor.shape, axis: axis)
      let elements = numbers.indices.map { Float(numbers[$0]) * scales[places.channel($0)] }
      return Tensor(shape: tensor.shape, elements: elements)
    }
  }
}

extension Tensor where Element == Float {
  /// The numbers as they are after being stored in a type.
  func rounded(to type: ElementType) -> Tensor {
    var result = self
    result.withMutableSpan { values in
      for i in values.indices { values[i] = type.rounded(values[i]) }
    }
    return result
  }

  /// One scale a channel of an axis: `max |w| / 127`. The scales of rounded numbers are the same again:
  /// `127 (m / 127) / 127 = m / 127` in Float for every significand m, as going through all of them shows. A channel of
  /// zeros has 1, and no scale is under the normal range; numbers that are not finite give one that is not.
  func channelScales(axis: Int) -> [Float] {
    let places = ChannelPlaces(shape, axis: axis)
    var largest = [Float](repeating: 0, count: shape[axis])
    withSpan { values in
      for i in values.indices {
        let channel = places.channel(i)
        let magnitude = values[i].magnitude
        if !(magnitude <= largest[channel]) { largest[channel] = magnitude }
      }
    }
    return largest.map { $0 == 0 ? 1 : max($0 / 127, .leastNormalMagnitude) }
  }

  /// `round(w / scale)` with the scales of `channelScales(axis:)`; 0 where that is no number.
  func quantized(axis: Int) -> [Int8] {
    let (scales, places) = (channelScales(axis: axis), ChannelPlaces(shape, axis: axis))
    return withSpan { values in
      values.indices.map { place in
        let quotient = (values[place] / scales[places.channel(place)]).rounded(.toNearestOrEven)
        return quotient.isFinite ? Int8(max(-127, min(127, quotient))) : 0
      }
    }
  }
}

/// Which channel each element of a row-major tensor belongs to.
struct ChannelPlaces {
  private let channels: Int
  private let inner: Int

  init(_ shape: Shape, axis: Int) {
    channels = max(1, shape[axis])
    inner = max(1, shape.extents[(axis + 1)...].reduce(1, *))
  }

  func channel(_ place: Int) -> Int { place / inner % channels }
}
