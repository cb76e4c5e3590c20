// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A reader of what comes from outside, and what it promises of its answers beyond not crashing.
struct FuzzTarget: Sendable {
    let name: String
    /// Good input to begin with.
    let samples: [[UInt8]]
    /// Takes what the fuzzer has thought of; a broken promise ends the process.
    let take: @Sendable ([UInt8]) -> Void

    init(_ name: String, _ samples: [String], _ take: @escaping @Sendable ([UInt8]) -> Void) {
        self.init(name, samples.map { Array($0.utf8) }, take)
    }

    init(_ name: String, _ samples: [[UInt8]], _ take: @escaping @Sendable ([UInt8]) -> Void) {
        self.name = name
        self.samples = samples
        self.take = take
    }

    static let all = [
        message, history, record, expression, frames, subscription, order, reply, watch, outbox,
        segment, settings,
    ]
}

extension [UInt8] {
    /// Frames of a message, with a line feed between two.
    var lines: [[UInt8]] {
        split(separator: 10, omittingEmptySubsequences: false).map(Array.init)
    }

    var text: String { String(decoding: self, as: UTF8.self) }
}

nonisolated(unsafe) private var chosen = FuzzTarget.message

/// What libFuzzer calls with each input that it has thought of.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    chosen.take(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Has libFuzzer think of input for a target.
///
/// `VigilFuzz` prints the targets' names. `VigilFuzz TARGET FOLDER` puts the target's samples into
/// a folder that is there, and begins from what is in it; further folders of samples, files to be
/// tried alone and libFuzzer's options may follow. The package manager gives every executable a
/// main of its own, so libFuzzer is driven from it.
@main
enum VigilFuzz {
    static func main() {
        let words = CommandLine.arguments
        guard words.count > 2, let target = FuzzTarget.all.first(where: { $0.name == words[1] })
        else {
            for target in FuzzTarget.all { puts(target.name) }
            exit(words.count == 1 ? 0 : 64)
        }
        for (number, sample) in target.samples.enumerated() {
            guard let file = fopen("\(words[2])/sample-\(number)", "w") else { break }
            fwrite(sample, 1, sample.count, file)
            fclose(file)
        }
        chosen = target
        // libFuzzer takes a word that is no option for a folder of samples.
        var arguments = CommandLine.unsafeArgv + 1
        arguments[0] = CommandLine.unsafeArgv[0]
        var count = CommandLine.argc - 1
        exit(runFuzzer(&count, &arguments, fuzzOneInput))
    }
}
