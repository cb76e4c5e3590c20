// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import VigilClient
internal import VigilCodec
internal import VigilTransport

/// Where clients find the daemon unless told otherwise (protocol section 1).
enum ClientDefaults {
    static let ingest = "tcp://127.0.0.1:5551"
    static let alerts = "tcp://127.0.0.1:5552"
    static let history = "tcp://127.0.0.1:5553"

    /// How long the first answer of a daemon may take.
    static let patienceMilliseconds: Int64 = 10_000

    /// What to say when nothing answers.
    static func unreachable(_ endpoint: Endpoint, option: String) -> CommandFailure {
        CommandFailure(
            .unreachable,
            "nothing answers at \(endpoint); start the daemon with vigil serve, or name its "
                + "endpoint with \(option)")
    }

    /// What to say when the daemon answers a question about its log with an error.
    ///
    /// - Parameters:
    ///   - failure: the daemon's.
    ///   - endpoint: its history endpoint.
    ///   - topics: what was asked for.
    /// - Returns: the failure, with 77 where only a grant lacks.
    static func refused(
        _ failure: ReplyReader.Failure, by endpoint: Endpoint, topics: [String]
    ) -> CommandFailure {
        guard failure.code == "unauthorised" else {
            return CommandFailure(
                .internalFault,
                "the daemon at \(endpoint) gives no history: \(failure.message) "
                    + "(\(failure.code))")
        }
        return CommandFailure(
            .notPermitted,
            "the daemon at \(endpoint) lets this key read nothing of "
                + "\(topics.joined(separator: ", ")); who runs it has to grant its principal "
                + "read.topics in its settings")
    }

    /// Reads an endpoint from the command line.
    ///
    /// - Throws: A `CommandFailure` that says what is wrong with it.
    static func endpoint(_ text: String) throws(CommandFailure) -> Endpoint {
        do {
            return try Endpoint(text)
        } catch {
            throw CommandFailure(.usage, error.description)
        }
    }

    /// Reads an offset or another count from the command line.
    ///
    /// - Throws: A `ValidationError` that gives the range.
    static func count(_ text: String) throws -> UInt64 {
        guard let number = UInt64(text) else {
            throw ValidationError("it is a whole number from 0.")
        }
        return number
    }

    /// Checks a practice against the grammar of topics (protocol section 2).
    ///
    /// - Throws: A `CommandFailure` that gives the grammar.
    static func checkPractice(_ practice: String) throws(CommandFailure) {
        guard InboundTopic.isPractice(practice.utf8) else {
            throw CommandFailure(
                .usage, "a practice is 1 to 32 of A-Z a-z 0-9 _ -, not \"\(practice)\"")
        }
    }

    /// Runs the work of a command and turns its failure into a sentence and an exit code.
    static func reporting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let failure as CommandFailure {
            throw failure.report()
        } catch let error as TransportError {
            throw CommandFailure(.internalFault, error.description).report()
        }
    }
}
