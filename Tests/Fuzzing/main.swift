import Foundation

// Gives one parser inputs from a pipe, thousands a second, as scripts/fuzz/parsers.py drives it:
//
//     Fuzzing PARSER < inputs > answers
//
// An input is its length in four bytes, least first, and its bytes; an answer is one byte, see `Answer`. The process that
// dies, hangs or runs out of memory did so on the input that has no answer.
//
// Built with -DGUIDED and libFuzzer (scripts/fuzz/guided.sh), that makes the inputs, by what code they reach.
guard let name = CommandLine.arguments.dropFirst().first, let parser = Parser(rawValue: name) else {
  let names = Parser.allCases.map(\.rawValue).joined(separator: ", ")
  writeLine("usage: Fuzzing PARSER, one of \(names)")
  exit(64)
}
#if GUIDED
  runGuided(parser)
#else
  var pipe = InputPipe()
  while let input = pipe.next() { pipe.answer(parser.answer(to: input)) }
#endif
