// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Says on stderr how far a command has come: a bar for a person, else a line each 5 seconds.
struct Progress {
    private let isForPerson = Terminal.talksToPerson
    private let startMilliseconds: Int64
    private var nextMilliseconds: Int64
    private var isShown = false
    private let noun: String

    private static let barColumns = 30

    /// Begins at a time of the steady clock; the noun says what is counted.
    init(nowMilliseconds: Int64, counting noun: String = "events") {
        self.noun = noun
        startMilliseconds = nowMilliseconds
        nextMilliseconds = nowMilliseconds + (Terminal.talksToPerson ? 100 : 5000)
    }

    /// Shows where things stand, if it is time to.
    ///
    /// - Parameters:
    ///   - done: What is finished.
    ///   - total: What `done` will be at the end, where that is known.
    ///   - nowMilliseconds: The time of the steady clock.
    mutating func update(done: Int, total: Int?, nowMilliseconds: Int64) {
        guard nowMilliseconds >= nextMilliseconds else { return }
        nextMilliseconds = nowMilliseconds + (isForPerson ? 100 : 5000)
        let elapsed = max(nowMilliseconds - startMilliseconds, 1)
        let rate = done * 1000 / Int(elapsed)
        var line = total.map { "\(done) of \($0) \(noun)" } ?? "\(done) \(noun)"
        line += ", \(rate) a second"
        guard isForPerson else {
            Terminal.say(line)
            return
        }
        if let total, total > 0 {
            let filled = min(done, total) * Progress.barColumns / total
            let bar =
                String(repeating: "#", count: filled)
                + String(repeating: ".", count: Progress.barColumns - filled)
            line = "[\(bar)] " + line
        }
        Terminal.write("\r\u{1B}[K" + line)
        isShown = true
    }

    /// Takes the bar away, so that a line of text can follow.
    mutating func clear() {
        guard isShown else { return }
        Terminal.write("\r\u{1B}[K")
        isShown = false
    }
}
