// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
private import Glibc
internal import VigilClient
internal import VigilCodec
internal import VigilCore
internal import VigilDaemon
internal import VigilTransport

/// `vigil review`: tells the daemon what a person decided about a flag or alert.
struct ReviewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "review",
        abstract: "Review an open flag or alert.",
        discussion: """
            ACTION is accept, act (--performed), override (--reason, --text, --until), snooze \
            (--until), hand-over (--to) or reopen; an option of another action is refused. The \
            author is --author, else the environment's VIGIL_AUTHOR: an identifier, with its \
            system before it and `|` between.

            Unless --seen names an event, the review is of the newest raise or update; if the \
            flag has changed since the one that was seen, the daemon refuses it.

            The same review said again is a duplicate: 0, and nothing changes.

            Exit codes: 0 accepted; 64 an option is wrong or missing; 65 refused; 66 no such flag \
            is open; 69 the daemon does not answer; 77 the key may not read it or publish this.
            """)

    @Argument(help: "The flag's or alert's identity: flagid.")
    var flagID: String

    @Argument(help: "accept, act, override, snooze, hand-over or reopen.")
    var action: String

    @Option(help: "What was done: \(ReviewOptions.performed).")
    var performed: String?

    @Option(help: "Why it is overridden: \(ReviewOptions.reasons).")
    var reason: String?

    @Option(help: "The reason in words; needed where it is `other`.")
    var text: String?

    @Option(help: "The day on which it is shown again, such as 2024-10-15.")
    var until: String?

    @Option(help: "To whom it is handed over.")
    var to: String?

    @Option(help: "The id of the output event that was seen.")
    var seen: String?

    @Option(help: "When it was decided, RFC 3339; now if absent. An event clock needs it.")
    var date: String?

    @Option(help: "Who decided: an identifier, or its system, `|` and the identifier.")
    var author: String?

    @Option(help: "The author's name, for people.")
    var authorName: String?

    @Option(help: "The CloudEvents source of the review.")
    var source = "urn:vigil:review"

    @Option(help: "The daemon's ingest endpoint.")
    var ingest = ClientDefaults.ingest

    @Option(help: "The daemon's history endpoint.")
    var history = ClientDefaults.history

    @OptionGroup var keys: ClientKeys

    @Flag(help: "Print the daemon's answer as JSON.")
    var json = false

    func validate() throws {
        let options = ReviewOptions(
            action: action,
            given: [
                "performed": performed, "reason": reason, "text": text, "until": until, "to": to,
                "date": date, "seen": seen,
            ])
        if let fault = options.fault { throw ValidationError(fault) }
    }

    func run() throws {
        try ClientDefaults.reporting {
            let author = author ?? getenv("VIGIL_AUTHOR").map { String(cString: $0) }
            guard let author, !author.isEmpty else {
                throw CommandFailure(
                    .usage, "a review names its author: give --author, or set VIGIL_AUTHOR")
            }
            let reader = ReplyReader()
            var review = try target(reader, author: author)
            review.performed = performed
            review.reason = reason
            review.text = text
            review.until = until
            review.to = to
            review.authorName = authorName
            let reply = try send(review, reader)
            if json { Terminal.printLine(reply) }
            switch reader.reply(reply) {
            case .accepted(_, let offset)?, .duplicate(_, let offset)?:
                if !json {
                    Terminal.printLine(
                        Array("\(action) of \(flagID) accepted at offset \(offset)".utf8))
                }
            case .rejected(_, "unauthorised", _, _)?:
                throw CommandFailure(
                    .notPermitted,
                    "the daemon lets this key publish no event of \(source) on \(review.topic); "
                        + "who runs it has to grant its principal both in its settings, as "
                        + "publish.sources and publish.topics")
            case .rejected(_, let code, let message, _)?:
                throw CommandFailure(.badData, "the review is refused (\(code)): \(message)")
            case .busy?:
                throw CommandFailure(.unreachable, "the daemon is busy: try again")
            case nil:
                throw CommandFailure(.internalFault, "the daemon's answer cannot be read")
            }
        }
    }

    /// The flag as it is open now, with who reviews it and when.
    private func target(_ reader: ReplyReader, author: String) throws -> ReviewText {
        let questions = try HistoryQuestions(at: history, with: keys, reader)
        var found: (subject: String, practice: String, newest: UInt64)?
        try questions.open(["flag.", "alert."]) { page in
            for item in page where found == nil && !reader.isReview(item) {
                guard let target = reader.target(of: item), target.flagID == flagID else {
                    continue
                }
                found = (target.subject, target.practice, item.offset)
            }
        }
        guard let found else {
            throw CommandFailure(
                .missingInput, "no flag or alert \(flagID) is open; vigil open lists them")
        }
        // An event clock goes to the time of what it is sent, and never goes back.
        if date == nil, try questions.clock() == "event" {
            throw CommandFailure(
                .usage,
                "the log is on an event clock, which a review moves to its own time for good: "
                    + "say with --date when it was decided")
        }
        let parts = author.split(separator: "|", maxSplits: 1).map(String.init)
        var review = ReviewText(
            flagID: flagID, subject: found.subject, practice: found.practice,
            seen: seen ?? String(found.newest), action: action,
            date: date ?? Daemon.now().description, author: parts.last ?? author,
            source: source)
        review.authorSystem = parts.count == 2 ? parts[0] : nil
        return review
    }

    /// The daemon's answer about the review.
    private func send(_ review: ReviewText, _ reader: ReplyReader) throws -> [UInt8] {
        let endpoint = try ClientDefaults.endpoint(ingest)
        let connection = try ClientConnection(
            to: endpoint, with: try keys.load(), in: try ZMQContext())
        let poller = Poller()
        connection.add(to: poller)
        let frames = [Array(review.topic.utf8), review.event]
        _ = try connection.send(frames)
        let deadline = SteadyClock.milliseconds + ClientDefaults.patienceMilliseconds
        while true {
            if let reply = try connection.receive()?.first { return reply }
            let left = deadline - SteadyClock.milliseconds
            guard left > 0 else {
                throw connection.unreachable(option: "--ingest")
            }
            _ = try poller.wait(timeoutMilliseconds: Int(left))
            if try connection.takeLoss() {
                // What is sent again is a duplicate at worst.
                _ = try connection.send(frames)
            }
        }
    }
}
