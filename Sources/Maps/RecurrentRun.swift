internal import CKernels
import Conv
import Tensors

/// The steps of one direction of a recurrent layer, behind the product of its inputs.
///
/// Gates lie as in ONNX: input, output, forget and cell for an LSTM, update, reset and hidden for a GRU.
///
/// **Complexity** one product of the state and the recurrent weights for each step and each row; a run allocates nothing.
package struct RecurrentRun: Sendable {
  /// The kind of cell.
  package enum Cell: Hashable, Sendable {
    case simple
    case lstm(couplesForget: Bool)
    case gru(linearBeforeReset: Bool)

    /// The number of gates.
    package var gates: Int {
      switch self {
      case .simple: 1
      case .lstm: 4
      case .gru: 3
      }
    }
  }

  /// A function of one number, `b f(a x) + c`.
  package struct Function: Hashable, Sendable {
    let operation: LineOperation
    let alpha: Float
    let inner: Float
    let outer: Float
    let shift: Float

    /// A function with scales inside and outside, and a shift.
    package init(
      _ operation: LineOperation, alpha: Float = 0, inner: Float = 1, outer: Float = 1, shift: Float = 0
    ) {
      (self.operation, self.alpha, self.inner, self.outer, self.shift) = (
        operation, alpha, inner, outer, shift
      )
    }
  }

  /// What a run works on. All are row-major without gaps.
  package struct Operands {
    /// The products of the inputs, `[steps, rows, gates H]`; overwritten.
    package var gates: MemorySlice<Float>
    /// The recurrent weights, `[H, gates H]`.
    package var weights: MemorySlice<Float>
    /// The biases of the inputs and of the state, `[2, gates H]`.
    package var bias: MemorySlice<Float>?
    /// The steps of each row; all where it is missing.
    package var lengths: MemorySlice<Int>?
    /// The weights of the cell in the gates of an LSTM, `[3, H]`: input, output, forget.
    package var peepholes: MemorySlice<Float>?
    /// The state, `[rows, H]`: that of the beginning, in the end that of the end.
    package var state: MemorySlice<Float>
    /// The cell of an LSTM, `[rows, H]`.
    package var cell: MemorySlice<Float>
    /// All states; those of a step `stride` floats apart from those of the one before.
    package var output: MemorySlice<Float>
    /// Floats for one row, `[4, H]`.
    package var scratch: MemorySlice<Float>

    package init(
      gates: MemorySlice<Float>, weights: MemorySlice<Float>, bias: MemorySlice<Float>?,
      lengths: MemorySlice<Int>?, peepholes: MemorySlice<Float>?, state: MemorySlice<Float>,
      cell: MemorySlice<Float>, output: MemorySlice<Float>, scratch: MemorySlice<Float>
    ) {
      (self.gates, self.weights, self.bias, self.lengths) = (gates, weights, bias, lengths)
      (self.peepholes, self.state, self.cell) = (peepholes, state, cell)
      (self.output, self.scratch) = (output, scratch)
    }
  }

  private let cell: Cell
  private let steps: Int
  private let rows: Int
  private let size: Int
  private let stride: Int
  private let reverses: Bool
  private let clip: Float?
  private let functions: [Function]
  private let variant: KernelVariant

  /// The steps of a cell of `size` numbers; one, two or three functions, as the cell has them.
  ///
  /// **Traps** where there are not as many functions as the cell has.
  package init(
    _ cell: Cell, steps: Int, rows: Int, size: Int, outputStride: Int, reverses: Bool, clip: Float?,
    functions: [Function], variant: KernelVariant = .best
  ) {
    let count =
      switch cell {
      case .simple: 1
      case .gru: 2
      case .lstm: 3
      }
    precondition(functions.count == count, "\(functions.count) functions for \(cell)")
    (self.cell, self.steps, self.rows, self.size, stride) = (cell, steps, rows, size, outputStride)
    (self.reverses, self.clip, self.functions, self.variant) = (reverses, clip, functions, variant)
  }

  /// Runs all steps.
  ///
  /// **Traps** where a slice is too short.
  package func run(_ given: Operands) {
    let width = cell.gates * size
    precondition(
      given.gates.count >= steps * rows * width && given.weights.count >= size * width
        && given.bias?.count ?? (2 * width) >= 2 * width && given.lengths?.count ?? rows >= rows
        && given.peepholes?.count ?? (3 * size) >= 3 * size && given.state.count >= rows * size
        && given.cell.count >= rows * size && given.scratch.count >= 4 * size
        && (steps == 0 || rows * size == 0 || given.output.count >= (steps - 1) * stride + rows * size),
      "slices too short for \(steps) steps of \(rows) rows of \(size)")
    guard let kernels = variant.lines, size > 0 else { return }
    for row in 0..<rows {
      let length = min(steps, max(0, given.lengths?[row] ?? steps))
      for step in 0..<steps {
        // From behind, a row begins with its own last step.
        let place = step >= length ? step : reverses ? length - 1 - step : step
        let target = given.output[place * stride + row * size..<place * stride + (row + 1) * size]
        guard step < length else {
          target.fill(0)
          continue
        }
        let gates = given.gates[(place * rows + row) * width..<(place * rows + row + 1) * width]
        let state = given.state[row * size..<(row + 1) * size]
        advance(gates, state, given.cell[row * size..<(row + 1) * size], given, kernels)
        target.copy(state)
      }
    }
  }

  private func advance(
    _ gates: MemorySlice<Float>, _ state: MemorySlice<Float>, _ memory: MemorySlice<Float>, _ given: Operands,
    _ kernels: UnsafePointer<lowrank_line_kernels>
  ) {
    let width = cell.gates * size
    // What the state gives to the hidden gate of a GRU is not simply added.
    let isGRU = if case .gru = cell { true } else { false }
    let added = isGRU ? 2 * size : width
    if let bias = given.bias {
      for j in 0..<width { gates.base[j] += bias.base[j] }
      for j in 0..<added { gates.base[j] += bias.base[width + j] }
    }
    switch cell {
    case .simple:
      kernels.pointee.accumulate(state.base, size, given.weights.base, gates.base, width)
      apply(0, gates, kernels)
      state.copy(gates)
    case .lstm(let couplesForget):
      kernels.pointee.accumulate(state.base, size, given.weights.base, gates.base, width)
      advanceLSTM(gates, state, memory, given, couplesForget, kernels)
    case .gru(let linearBeforeReset):
      advanceGRU(gates, state, given, linearBeforeReset, kernels)
    }
  }

  private func advanceLSTM(
    _ gates: MemorySlice<Float>, _ state: MemorySlice<Float>, _ memory: MemorySlice<Float>, _ given: Operands,
    _ couplesForget: Bool, _ kernels: UnsafePointer<lowrank_line_kernels>
  ) {
    func gate(_ k: Int) -> MemorySlice<Float> { gates[k * size..<(k + 1) * size] }
    let (input, output, forget, new) = (gate(0), gate(1), gate(2), gate(3))
    if let weights = given.peepholes {
      for j in 0..<size {
        input.base[j] += weights.base[j] * memory.base[j]
        forget.base[j] += weights.base[2 * size + j] * memory.base[j]
      }
    }
    apply(0, input, kernels)
    apply(0, forget, kernels)
    apply(1, new, kernels)
    for j in 0..<size {
      let kept = couplesForget ? 1 - input.base[j] : forget.base[j]
      memory.base[j] = kept * memory.base[j] + input.base[j] * new.base[j]
    }
    if let weights = given.peepholes {
      for j in 0..<size { output.base[j] += weights.base[size + j] * memory.base[j] }
    }
    apply(0, output, kernels)
    state.copy(memory)
    apply(2, state, kernels, clips: false)
    for j in 0..<size { state.base[j] *= output.base[j] }
  }

  private func advanceGRU(
    _ gates: MemorySlice<Float>, _ state: MemorySlice<Float>, _ given: Operands, _ linearBeforeReset: Bool,
    _ kernels: UnsafePointer<lowrank_line_kernels>
  ) {
    func gate(_ k: Int) -> MemorySlice<Float> { gates[k * size..<(k + 1) * size] }
    let (update, reset, new) = (gate(0), gate(1), gate(2))
    let (scratch, width) = (given.scratch, 3 * size)
    // The state's share of all gates; that of the hidden one is computed anew where the reset comes first.
    let share = scratch[0..<width]
    share.fill(0)
    kernels.pointee.accumulate(state.base, size, given.weights.base, share.base, width)
    for j in 0..<2 * size { gates.base[j] += share.base[j] }
    apply(0, update, kernels)
    apply(0, reset, kernels)
    let bias = given.bias.map { $0[width + 2 * size..<2 * width] }
    if linearBeforeReset {
      for j in 0..<size {
        new.base[j] += reset.base[j] * (share.base[2 * size + j] + (bias?.base[j] ?? 0))
      }
    } else {
      let masked = scratch[width..<width + size]
      for j in 0..<size { masked.base[j] = reset.base[j] * state.base[j] }
      share.fill(0)
      kernels.pointee.accumulate(masked.base, size, given.weights.base, share.base, width)
      for j in 0..<size { new.base[j] += share.base[2 * size + j] + (bias?.base[j] ?? 0) }
    }
    apply(1, new, kernels)
    for j in 0..<size {
      state.base[j] = (1 - update.base[j]) * new.base[j] + update.base[j] * state.base[j]
    }
  }

  /// Applies a function in place, behind the bounds that its argument has.
  private func apply(
    _ place: Int, _ values: MemorySlice<Float>, _ kernels: UnsafePointer<lowrank_line_kernels>,
    clips: Bool = true
  ) {
    let function = functions[place]
    if let clip, clips {
      for j in 0..<values.count { values.base[j] = min(max(values.base[j], -clip), clip) }
    }
    if function.inner != 1 {
      for j in 0..<values.count { values.base[j] *= function.inner }
    }
    let (kernel, first, second) = function.operation.kernel(kernels)
    var line = lowrank_line()
    (line.operand.0, line.operand.1) = (
      UnsafeMutableRawPointer(values.base), UnsafeMutableRawPointer(values.base)
    )
    (line.step.0, line.step.1, line.count) = (1, 1, values.count)
    (line.alpha, line.beta) = (function.alpha, second)
    if case .activation = function.operation { line.alpha = first }
    kernel?(&line)
    if function.outer != 1 || function.shift != 0 {
      for j in 0..<values.count { values.base[j] = function.outer * values.base[j] + function.shift }
    }
  }
}
