// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
private import Glibc
internal import VigilClient
internal import VigilCodec
internal import VigilTransport

/// `vigil forward`: a small publisher's outbox.
struct ForwardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forward",
        abstract: "Send events from a file, a pipe or a socket, kept on disk until acknowledged.",
        discussion: """
            Takes CloudEvents as NDJSON, as vigil publish does, from a file, a named pipe or \
            standard input, or binds a SUB socket of this machine for publishers that send two \
            frames, topic and event. What it takes is on disk, in the outbox, before its source \
            lets go of it, and stays there until the daemon has acknowledged it, over any end of \
            either program. Nothing is lost and nothing is there twice: what is sent again is a \
            duplicate to the daemon.

            A file is read to its end, with --follow on and on as it grows; where it was left is \
            in the outbox. A named pipe and a socket are read until SIGTERM. What the daemon \
            refuses is put aside in rejected.ndjson in the outbox, with the reason.

            Exit codes: 0 all is acknowledged, or stopped by SIGTERM or SIGINT; 65 all is \
            answered, and some was put aside; 66 the source cannot be read; 69 the endpoint of \
            --listen is taken; 74 the outbox is damaged, cannot be written, or is in use; 77 the \
            daemon does not know the key.
            """)

    @Option(help: "The directory of the outbox: made where there is none.")
    var outbox: String

    @Option(help: "What the outbox may hold, in bytes; at least 16777216.")
    var outboxBytes = 1 << 30

    @Option(help: "The daemon's ingest endpoint.")
    var ingest = ClientDefaults.ingest

    @Option(help: "The practice (ODS code) for events that do not name theirs.")
    var practice = "default"

    @Option(help: "Bind a SUB socket here, on this machine, in place of a file.")
    var listen: String?

    @Flag(help: "Go on at the end of the file as it grows.")
    var follow = false

    @Flag(help: "Print the counts as JSON on standard output at the end.")
    var json = false

    @OptionGroup var keys: ClientKeys

    @Argument(
        help: ArgumentHelp("A file or named pipe; - is standard input.", valueName: "file"))
    var file: String?

    func run() throws {
        try ClientDefaults.reporting {
            try ClientDefaults.checkPractice(practice)
            guard (file == nil) != (listen == nil) else {
                throw CommandFailure(.usage, "name a file, or --listen with an endpoint")
            }
            guard outboxBytes >= Outbox.bytesMin else {
                throw CommandFailure(
                    .usage, "--outbox-bytes is at least \(Outbox.bytesMin)")
            }
            // Before any thread, so that none takes the signals.
            let stop = try StopDescriptor()
            let context = try ZMQContext()
            let endpoint = try ClientDefaults.endpoint(ingest)
            let counts: ForwardCounts
            do {
                let outbox = try Outbox(outbox, bytesMax: outboxBytes)
                let run = ForwardRun(
                    try source(of: outbox, in: context), outbox, at: self.outbox,
                    try ClientConnection(to: endpoint, with: try keys.load(), in: context),
                    endpoint)
                counts = try run.untilDone(stop)
            } catch let error as OutboxError {
                throw CommandFailure(.log, error.description)
            }
            Terminal.say("vigil: " + counts.sentence)
            if json { Terminal.printLine(counts.json) }
            if counts.isComplete, counts.putAsideCount > 0 {
                throw ExitCode(CommandFailure.Code.badData.rawValue)
            }
        }
    }

    private func source(
        of outbox: Outbox, in context: ZMQContext
    ) throws -> any ForwardSource {
        let lines = ForwardLines(practice: practice)
        if let listen {
            do {
                let source = try SubscriberSource(
                    at: try ClientDefaults.endpoint(listen), in: context)
                Terminal.say("vigil: listens at \(source.endpoint)")
                return source
            } catch let error as TransportError {
                throw CommandFailure(
                    error.code != 0 ? .unreachable : .configuration, error.description)
            }
        }
        let path = file ?? "-"
        var status = stat()
        let isThere = path == "-" ? fstat(STDIN_FILENO, &status) == 0 : stat(path, &status) == 0
        guard isThere else {
            throw CommandFailure(
                .missingInput, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            return try FileSource(
                path, after: outbox.mark, isFollowing: follow && path != "-", lines: lines)
        case S_IFIFO where path != "-":
            return try PipeSource(path, lines: lines)
        default:
            guard path == "-" else {
                throw CommandFailure(
                    .missingInput, "cannot read \(path): it is no file and no named pipe")
            }
            return StreamSource(lines: lines)
        }
    }
}

/// What became of the events that `vigil forward` had.
struct ForwardCounts {
    var acceptedCount = 0
    var duplicateCount = 0
    var putAsideCount = 0
    var waitingCount = 0
    /// Whether the source has ended and all is answered.
    var isComplete = false

    /// For people.
    var sentence: String {
        "accepted \(acceptedCount), duplicate \(duplicateCount), put aside \(putAsideCount), "
            + "\(waitingCount) wait in the outbox"
    }

    /// For programs.
    var json: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.number("accepted", acceptedCount)
            json.number("duplicate", duplicateCount)
            json.number("putAside", putAsideCount)
            json.number("waiting", waitingCount)
        }
        return json.bytes
    }
}
